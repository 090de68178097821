"""Words of business English that mean the same or the opposite, and how columns abbreviate them.

General vocabulary only: a name of any particular data set does not belong here.
"""

from __future__ import annotations

from typing import Final

from automl_agent.requirements.text import word_set

__all__ = [
    "ABBREVIATIONS",
    "CONCEPTS",
    "DOMAINS",
    "FRAME",
    "GENERIC_TARGETS",
    "IRREGULAR",
    "JOINED",
    "MEASURES",
    "NEUTRAL",
    "SHORT_WORDS",
    "WEAK",
    "concepts",
]


def concepts(text: str) -> list[str]:
    """The entries of a word list: one a line; a line that is indented goes on with the one before.

    >>> concepts("a b\\n  c\\nd")
    ['a b c', 'd']
    """
    return [" ".join(entry.split()) for entry in text.strip().replace("\n  ", " ").splitlines()]


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


CONCEPTS: Final = concepts("""
churn attrition cancel cancellation leave leaver quit exit close closure lose loss unsubscribe uninstall terminate
  termination resign resignation notice dropout lapse inactive discontinue disconnect deactivate deactivation end
  abandon withdraw expire stop former depart switch departure kuendigung gekuendigt abgang resiliation desabonnement
  unfollow detach migrate cease disengage storniert annule storno austritt ausgetreten verlassen abgewandert baja
  abandono demission ; active operating retain retention stay renew renewal current
  existing loyal loyalty remain keep continue open enrolled ongoing still live returning bleibt
default delinquent delinquency arrear nonpayment unpaid chargeoff chargedoff bankrupt bankruptcy insolvency insolvent
  npl bad schlecht overdue arrears defaut ausfall ; creditworthy gut repay repayment payback paidback pay good settle
  solvent bezahlt rembourse cleared
fraud fraudulent scam suspicious illegal fake cheat forged counterfeit illicit bogus phishing laundering betrug fraude
  con tamper tampered theft stolen bot rigged ; legit legitimate genuine honest authentic
spam junk unwanted unsolicited ; ham legit legitimate wanted
late delay deviation lateness overdue tardy tardiness behind belated verspaetung retard retarde verspaetet ; ontime
  punctual early prompt timely
noshow absent absence miss skip ; show showup attend attendance turnup appear come present
fail failure break breakdown breakage fault faulty malfunction defect defective outage crash stoppage stop down
  downtime damage maintenance repair ausfall panne incident scrap nok jam leak burst crack trip alarm dead defekt
  fehler mangel ausschuss ; work ok run pass success functional operational intact healthy good conforming
fail flunk unsuccessful failure ; pass success successful succeed graduate qualify
survive survival survivor alive live ; die death dead decease mortality fatal fatality kill perish expire deceased
sick ill illness disease condition diagnosis diagnose positive infected infection infect complication sepsis krank
  malade ; healthy negative gesund cured
cancer tumor tumour malignant malignancy carcinoma melanoma ; benign
diabetes diabetic ; healthy nondiabetic
heart cardiac cardiovascular coronary cardio infarction
stroke apoplexy
readmit readmission rehospitalisation rehospitalization return
buy purchase order acquire convert conversion checkout sell sale kauf achat deal closedwon
subscribe subscription signup register registration enroll enrol join optin ; unsubscribe optout
respond response reply react accept acceptance uptake interest interested ; ignore decline refuse
click tap ctr
approve approval accept acceptance grant admit ; reject rejection deny denial decline refuse
admit admission accept ; reject
return refund sendback ; keep
complain complaint grievance dissatisfied unhappy escalate escalation
satisfied satisfaction happy happiness content csat pleased zufrieden zufriedenheit satisfait
  ; dissatisfied unhappy unsatisfied
positive happy satisfied pleased like love great ; negative unhappy angry upset dissatisfied hate
recommend recommendation promoter ; detractor
promote promotion promoted befoerdert befoerderung ascenso
headcount staff employees team workforce size crew
hire recruit recruitment job employ
win winner victory ; lose loser loss defeat
claim claimed insurance
accident crash collision injury casualty
edible eatable ; poisonous toxic inedible
toxic poisonous
sentiment polarity mood tone emotion feeling opinion attitude
increase rise grow up ; decrease fall drop down
rain rainfall precipitation wet shower showers regen pluie ; dry
price pricing cost value worth valuation resale resell asking appraisal fee charge fare rate tariff sell msrp quote
  amount expensive cheap costly valuable preis prix precio prezzo kosten cout >fetch >pay >make eur euro usd gbp chf
  dollar kaufpreis verkaufspreis
cost expense expenditure charge fee amount premium bill spend >pay eur euro usd gbp chf dollar
income salary wage earn earnings pay compensation remuneration payroll gehalt lohn einkommen salaire revenu rich >make
revenue turnover gross >earn sale takings proceeds receipts gmv umsatz ventes billing gross boxoffice >make mrr arr
  money absatz verkauf vente
profit margin gain earnings surplus benefit profitable gewinn benefice ; loss deficit
spend expenditure expense outlay basket purchase spending
bill invoice charge payment rechnung facture
rent rental lease hire let miete kaltmiete warmmiete loyer
loan credit lend borrow mortgage debt
amount sum total volume quantity value betrag montant summe
count number quantity tally volume frequency many anzahl nombre views downloads sold tickets entries admissions
  attendance
demand sale sold sell quantity need order rental ride trip usage load nachfrage demande
sale sell sold revenue unit units
usage use kwh consumption consume utilisation utilization load draw verbrauch consommation
energy electricity power kwh mwh watt load heating strom
resolution resolve solve solved solution fix fixed close closed
drinkable potable
customer client kunde kunden cliente
employee mitarbeiter angestellte personal empleado salarie
order bestellung bestellungen auftrag auftraege commande
emission emissions co2 carbon pollution pollutant polluted
fuel mpg economy petrol gasoline diesel
temperature degree heat warm warmth hot cold celsius temperatur
humidity moisture
wind windy
yield harvest crop output production produce productive litres liters tonnes ertrag rendement
strength strong resistance tear tensile mpa
acidity acid acidic ph
quality grade rating goodness good qualitaet qualite guete
grade mark score points gpa note class level result
score rating star stars points grade evaluation mark elo
rank position place placing placement standing order ranking
finish final end result completion
result outcome verdict decision conclusion >win >winner
status state condition situation zustand etat
type kind class category group sort variety species family genre segment
species variety cultivar breed
department desk queue team unit division section office
topic subject theme category
language tongue idiom
gender sex
age old young alter edad
duration length long time >take >last seconds minutes hours days nights elapsed dauer duree lieferzeit
time duration seconds minutes hours elapsed
speed fast velocity pace quick slow
distance far km kilometer kilometre mile miles mileage odometer driven distanz
height tall high altitude elevation hoehe hauteur
weight heavy mass weigh kg kilogram gewicht poids masse
size large big diameter radius area surface sqm qm sqft footage flaeche groesse taille
wait waiting queue delay
stay los nights
priority urgency urgent importance critical severity prioritaet
severity severe serious injury
risk danger hazard
where origin location place country region city from
region location area city district town place
house home property housing flat apartment dwelling building wohnung immobilie
customer client user subscriber member account consumer buyer guest shopper patron policyholder kunde passenger
employee staff worker associate personnel colleague mitarbeiter
patient person subject case
student pupil learner child kid
person people individual human
borrower debtor applicant client customer
machine device equipment asset engine press pump turbine motor appliance robot
vehicle car auto automobile truck van
message mail email sms letter comment post tweet note text
review comment feedback opinion
ticket enquiry inquiry request case incident issue query
booking reservation
guest visitor traveller traveler
parcel shipment package consignment
deliver delivery ship shipping arrive arrival
arrive arrival land
depart departure leave takeoff
flight plane
shop store branch outlet market
product item article sku
transaction payment transfer
trip ride journey travel
visit session
bike bicycle cycle
traffic congestion vehicles
crowd visitors attendance people footfall
life lifetime lifespan expectancy survival longevity
body bodily bmi
fat adiposity obesity obese
advance ahead prior lead beforehand
dismiss layoff fired
stock inventory warehouse
popularity popular likes views shares
expectation expected
digit number numeral
latency delay response
margin markup
age years old
donate donation gift give contribution contribute giving
recover recovery cure heal ; relapse worsen recurrence
vote ballot elect election
steal theft burglary robbery
upgrade premium
success successful erfolg win ; failure unsuccessful
clv ltv lifetime
occupancy occupy utilisation utilization fill
popularity views likes shares reach downloads plays clicks
brand make manufacturer maker marke marque
plan tariff package abo
transport commute travel mode
occupation job profession role beruf metier
cause reason grund
hardness hard
thickness thick
depth deep
width wide breite largeur
length long laenge longueur
noise loud decibel db sound volume
brightness bright light luminosity
population inhabitant resident people
follower subscriber fan
discount rebate reduction
dose dosage
safe potable drinkable secure ; contaminated dangerous
ripe mature ; raw
open opened ; close
busy full occupied ; empty free vacant
graduate graduation complete finish ; dropout
overweight obese obesity
smoke smoker smoking
marry married
occupied booked ; vacant available
concentration level content ppm
wear life rul lifetime
attend attendance visit present ; absent
promote career
bonus premium
cancel annul storno
repeat return recurring again
trust credible reliable
stress burnout
deliver delivery arrival shipped
click view open
refund chargeback reimbursement
waste scrap leftover leftovers garbage rubbish remainder
""")
"""Words that mean the same, one concept a line; words after `;` mean the opposite; `>` marks words of requests only."""

DOMAINS: Final = concepts("""
bank loan credit deposit balance mortgage interest savings investment debt borrower lender branch overdraft card
  payment account applicant client housing
patient disease diabetes glucose insulin blood pressure bmi heart cholesterol tumor tumour cancer hospital ward doctor
  medication diagnosis pulse symptom surgery clinic nurse health medical pregnancy pregnancies hemoglobin stroke
  smoker icu stay los admission discharge lactate mortality readmission
customer client order basket product shop store discount purchase checkout cart sale sales revenue seller buyer
  shopper brand subscriber churn loyalty coupon
plan contract internet phone line data minutes subscriber network roaming broadband mobile telecom tariff churn
  customer sms
flight airport airline passenger fare ticket embark trip travel boarding aircraft departure arrival gate luggage seat
employee salary department job overtime hire manager attrition promotion staff colleague worker workforce company
student pupil school exam grade study homework teacher course class lesson absence university mark
soil crop rainfall fertilizer fertiliser ph nitrogen phosphorus potassium humidity irrigation harvest plot farm plant
  seed fruit apple wheat corn n p k
car vehicle engine fuel mileage gearbox horsepower cylinder transmission odometer mpg motor weight make
house home flat apartment room bathroom bedroom sqft garage lot floor neighbourhood neighborhood rent property price
energy electricity power load consumption kwh meter grid heating voltage demand
temperature humidity wind rain pressure weather cloud snow sunshine precipitation forecast
machine sensor vibration torque rpm tool wear failure maintenance equipment motor pump temperature pressure press
wine alcohol acid acidity sugar beer taste grape
campaign contact click ad advertisement impression conversion lead newsletter email subscription
session page click visit browser website visitor device bounce url user
player team goal goals match season league club coach game score
movie film actor director genre runtime rating budget
email mail message spam sms text subject sender word
transaction card merchant amount fraud payment terminal atm transfer
cement concrete slag water strength aggregate steel alloy
hotel booking guest room night stay reservation arrival lead adults children
food meal menu restaurant kitchen dish recipe ingredient canteen waiter guest
parcel shipment delivery courier carrier depot package consignment warehouse
""")
"""Words of one walk of life a line: whether a request and a table are about the same thing."""

JOINED: Final = {
    (pair.partition("+")[0], pair.partition("+")[2]): word
    for pair, word in _pairs("""
    on+time:ontime in+time:ontime no+show:noshow show+up:showup turn+up:showup pay+back:payback paid+back:payback
    charge+off:chargeoff write+off:chargeoff drop+out:dropout break+down:breakdown go+down:breakdown
    shut+down:breakdown sign+up:signup call+off:cancel lay+off:dismiss put+off:late move+out:leave go+back:return
    bring+back:return take+back:return give+back:return sign+off:quit walk+out:leave drop+off:leave back+out:quit
    opt+away:leave sell+out:soldout opt+in:optin opt+out:optout take+off:takeoff go+away:leave send+back:sendback
    e+mail:email give+up:quit pass+away:die walk+away:leave jump+ship:leave move+on:leave move+away:leave
    fall+behind:late be+gone:leave come+back:return fall+ill:sick pay+off:payback box+office:boxoffice hand+in:resign
""").items()
}
"""Two words that are one, as in "on time"."""

IRREGULAR: Final = _pairs("""
    left:leave leaves:leave leaving:leave lost:lose sold:sell bought:buy paid:pay died:die dies:die dying:die won:win
    broke:break broken:break spent:spend went:go gone:go goes:go took:take taken:take made:make lent:lend kept:keep
    came:come fell:fall fallen:fall grew:grow grown:grow rose:rise cancelled:cancel cancelling:cancel canceled:cancel
    canceling:cancel quitting:quit stopped:stop stopping:stop shipped:ship shipping:ship dropped:drop skipped:skip
    admitted:admit readmitted:readmit older:old oldest:old longer:long later:late heavier:heavy taller:tall
    higher:high larger:large bigger:big cheaper:cheap warmer:warm hotter:hot faster:fast younger:young earlier:early
    richer:rich satisfied:satisfied sent:send built:build held:hold met:meet got:get given:give gave:give
    written:write wrote:write chosen:choose chose:choose driven:drive drove:drive flown:fly known:know shown:show
    begun:begin began:begin stolen:steal stole:steal caught:catch taught:teach brought:bring slept:sleep felt:feel
    found:find thrown:throw worn:wear eaten:eat ate:eat drank:drink said:say told:tell dealt:deal mice:mouse
    people:people children:child men:man women:woman renewed:renew exited:exit exits:exit closed:close closing:close
    used:use uses:use using:use users:user series:series species:species status:status basis:basis gas:gas bus:bus
    less:less class:class classes:class pass:pass passes:pass passed:pass miss:miss missed:miss misses:miss loss:loss
    losses:loss sales:sale minutes:minutes mins:minutes hours:hours days:days nights:nights points:points stars:stars
    churning:churn attrited:attrition defaulted:default ordered:order orders:order ran:run running:run planned:plan
    weighs:weigh happened:happen returned:return bad:bad need:need needs:need needed:need red:red speed:speed bed:bed
    beds:bed king:king ring:ring thing:thing spring:spring string:string rating:rating housing:housing
    building:building earnings:earnings wing:wing fed:fed led:led shed:shed repaid:repay withdrew:withdraw
    withdrawn:withdraw payment:pay payments:pay unpaid:unpaid prepaid:prepay resold:resell rebought:buy
    overdue:overdue hundred:hundred seed:seed feed:feed breed:breed weed:weed indeed:indeed exceed:exceed
""")
"""Word -> its root, where the rules of `words.stem` would go wrong."""

ABBREVIATIONS: Final = _pairs("""
    ha:hectare t:tonnes kg:kilogram mi:miles mw:megawatt kw:kilowatt amt:amount qty:quantity num:number nr:number
    no:number nbr:number nb:number ct:count mkt:market
    grp:group veh:vehicle cd:code readm:readmitted cond:condition stat:status addr:address trans:transaction
    bal:balance mgmt:management mgr:manager hosp:hospital pat:patient pt:patient tumr:tumor wgt:weight hgt:height
    spd:speed press:pressure humid:humidity cty:city ctry:country lang:language ed:education
    educ:education occ:occupation exp:experience sat:satisfaction perf:performance eval:evaluation prom:promotion
    fail:failure maint:maintenance mach:machine eq:equipment equip:equipment mat:material util:utilization avg:average
    temp:temperature tmp:temperature
    min:minutes mins:minutes sec:seconds secs:seconds msec:milliseconds hr:hours hrs:hours yr:year yrs:year dt:date
    ts:time tm:time arr:arrive dep:depart
    orig:origin cust:customer acct:account acc:account emp:employee txn:transaction trx:transaction tx:transaction
    inv:invoice pmt:payment pay:pay prc:price px:price val:value rev:revenue inc:income sal:salary dur:duration
    dist:distance wt:weight ht:height len:length sz:size cat:category typ:type desc:description dept:department
    pos:position rk:rank lvl:level pct:percent perc:percent fl:flag flg:flag ind:indicator tgt:target lbl:label
    cls:class prob:probability cons:consumption elec:electricity prod:production del:delay dly:delay dev:deviation
    canc:cancel cxl:cancel diag:diagnosis dx:diagnosis surv:survive mort:mortality wkly:weekly mthly:monthly
    med:median tot:total ttl:total vol:volume dem:demand qual:quality rtg:rating subs:subscription sub:subscription
    reg:region mth:month wk:week lat:latitude lon:longitude lng:longitude btw:between resp:response pur:purchase
    purch:purchase conv:conversion gdp:gdp sp:price msrp:price rul:life los:stay pts:points
""")
"""How names of columns shorten words."""

WEAK: Final = word_set("""
    number amount value total level rate type class category kind status state count sum data column field entry
    record row new old current final first last next average mean median maximum minimum overall annual yearly monthly
    weekly daily hourly expected actual future real result outcome time date day days week month year minute minutes
    hour hours unit group thing degree share percentage size per net gross good bad high low likely possible specific
    output figure certain different own exact estimated predicted observed measured given single individual
""")
"""Words that tell little about a column by themselves."""

MEASURES: Final = word_set("""
    consumption usage use cost costs expense duration length time quantity volume size intensity frequency reading
    readings figure figures performance measurement measurements production generation need needed requirement
    requirements output level levels speed strength temperature pressure
""")
"""Nouns that say how something is measured: of "fuel consumption" a column may say `fuel_l` only."""

NEUTRAL: Final = word_set("""
    is has was are be been will did does have had flag indicator ind yes y n binary bool boolean actual label target
    the of in on date dt ts for per by at to and or a an value val num number no nr code cd id key col column field
    var variable x eur usd gbp chf dollar dollars euro kg g km m mm cm h hr hrs hour hours minute minutes min mins s
    sec second seconds day days c f ha t percent pct musd meur keur kusd teur 24h 1 2 3 7 12 24 30 60 90 365 this now
    new current ever next within during raw clean final total sum amount last first d w y
""")
"""Parts of column names that add nothing against a match."""

FRAME: Final = word_set("""
    risk probability likelihood chance odds propensity prediction forecast estimation estimate classification
    detection model event case instance occurrence value next future possible likely high whole correct right true
    real potential early proper various several
""")
"""Words of a request that frame what is predicted ("churn risk") and seldom occur in a name."""

GENERIC_TARGETS: Final = word_set("""
    target label class classes y outcome response result results output dependent truth gt goal category flag
    indicator yvar depvar tgt cls lbl answer event ziel klasse zielvariable cible classe resultat ergebnis
""")
"""Names that say no more than that a column is to be predicted."""

SHORT_WORDS: Final = word_set("""
    age car day sex net tax fee job pet sum max min gas bus map top low high hot wet dry ice air oil sea sun war art
    bar bed box cup dog cat eye ear fan hat ink key kit leg lid log man men mix nut pan pen pie pin pot ram red rod
    row run set sky son tap tea tie tin toe ton toy use van wax web win year week hour date time name type code size
    rate rank risk room rain road plan part park page post port pain pair past path pass play plot poor care card cash
    case cell city club cold cost crop data deal dear dent desk disk door down drug face fact fair farm fast fire firm
    fish food foot form fuel full gain game girl goal gold good hair half hand head heat home idea iron item just kind
    king land late lead left less life like line list loan lock long loss main male mark meal meat mean mile milk mine
    mode moon more move near neck need news nose note only open oral pack
""")
"""Short real words that are no abbreviation of a longer one."""
