"""One run, or several seeds of one: a variant of a study with one seed, trained, analysed and recorded in its folder.

python -m jobs.train --study jobs/studies/skip.yaml --variant skip --seed 0
"""

from alexnet_study.commands.ending import finish
from alexnet_study.commands.train import main

if __name__ == "__main__":
    finish(main, "python -m jobs.train")
