"""Links, pipes and names of the file system that lead elsewhere."""

from __future__ import annotations

import os

from attacks.corpus.attack import Place, attack


@attack()
def links_out_of_the_folder(place: Place) -> None:
    place.table()
    (place.data / "canary.csv").symlink_to(place.outside / "canary.csv")
    (place.data / "folder").symlink_to(place.outside)
    (place.data / "passwd.csv").symlink_to("/etc/passwd")
    (place.data / "environ.csv").symlink_to("/proc/self/environ")
    (place.data / "zero.csv").symlink_to("/dev/zero")


@attack()
def links_in_a_circle(place: Place) -> None:
    place.table()
    (place.data / "again").symlink_to(place.data)
    (place.data / "self.csv").symlink_to(place.data / "self.csv")


@attack()
def pipes_that_never_answer(place: Place) -> None:
    place.table()
    os.mkfifo(place.data / "pipe.csv")


@attack()
def hidden_files(place: Place) -> None:
    place.table()
    place.write(".env", "OPENAI_API_KEY=sk-zqxhiddenhiddenhidden\n")
    place.write(".git/config", "[core]\n\tfsmonitor = touch ../outside/owned\n")
    place.write(".ssh/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\n")


@attack(learnable=False)
def the_folder_itself_is_a_link(place: Place) -> None:
    place.data.rmdir()
    place.data.symlink_to(place.outside)


@attack()
def folders_without_end(place: Place) -> None:
    place.table()
    deep = place.data
    for _ in range(150):
        deep = deep / "d"
    deep.mkdir(parents=True)
