"""Frequent given names: evidence that a column holds the names of people."""

from __future__ import annotations

from typing import Final

from automl_runtime.data.distinct import word_set

__all__ = ["GIVEN_NAMES"]

GIVEN_NAMES: Final = word_set(
    "james robert john michael david william richard joseph thomas charles christopher daniel matthew anthony "
    "mark donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan "
    "jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander frank "
    "patrick raymond jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle noah ethan "
    "jeremy walter christian keith roger terry austin sean gerald carl harold dylan arthur lawrence jordan jesse "
    "bryan billy bruce gabriel joe logan alan juan albert willie elijah wayne randy vincent mason roy ralph bobby "
    "russell bradley philip eugene mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa "
    "nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie "
    "rebecca sharon laura cynthia dorothy amy kathleen angela shirley brenda emma anna pamela nicole samantha "
    "katherine christine helen debra rachel carolyn janet maria catherine heather diane olivia julie joyce "
    "victoria ruth virginia lauren kelly christina joan evelyn judith andrea hannah megan cheryl jacqueline "
    "martha madison teresa gloria sara janice ann kathryn abigail sophia frances jean alice judy isabella julia "
    "grace amber denise danielle marilyn beverly charlotte natalie theresa diana brittany doris kayla alexis lori "
    "marie tom tim jim bob bill mike dave steve chris dan matt tony ben sam nick alex kate jane lucy ella chloe "
    "mia lily zoe max leo luke oscar harry charlie oliver liam lucas mateo aiden jackson sebastian owen wyatt "
    "caleb isaac hans klaus wolfgang jürgen juergen dieter manfred uwe günter guenter horst helmut heinz bernd "
    "ralf rainer stefan andreas matthias markus sven jens lars florian tobias jan felix jonas lukas leon finn "
    "paul fritz karl otto ursula monika petra sabine renate helga karin brigitte ingrid erika christa gisela "
    "claudia susanne anja katrin heike silke ute birgit angelika lena lea leonie hanna johanna greta frieda "
    "jean-pierre pierre michel philippe alain nicolas christophe laurent jacques françois francois olivier pascal "
    "thierry julien antoine guillaume camille isabelle nathalie sylvie valérie valerie sophie céline celine "
    "aurélie aurelie manon inès ines léa chloé jules hugo louis antonio manuel francisco javier carlos miguel "
    "alejandro rafael pedro pablo jorge luis alberto sergio fernando diego raul enrique ana carmen isabel pilar "
    "dolores lucia elena marta rosa paula sofia giuseppe giovanni mario luigi roberto marco andrea francesco "
    "stefano paolo matteo lorenzo alessandro giulia francesca chiara federica valentina joão joao tiago rui "
    "mariana beatriz muhammad mohammed mohamed ahmed ali omar hassan hussein ibrahim yusuf fatima aisha zainab "
    "layla maryam amir reza sanjay rahul amit raj rajesh suresh vijay anil ravi arjun priya anita sunita pooja "
    "neha deepa lakshmi wei li jing ming hui yan xin hiroshi takashi kenji yuki sakura haruto ivan dmitri dmitry "
    "sergei sergey alexei andrei mikhail vladimir nikolai olga natalia svetlana tatiana irina ekaterina anastasia "
    "piotr krzysztof andrzej tomasz marcin katarzyna agnieszka magdalena joanna erik lars anders johan nils bjorn "
    "björn astrid freja ingrid sofie kim min ji-woo soo"
)
