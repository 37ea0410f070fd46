"""One run, or several seeds of one: a variant of a study with one seed, trained, analysed and recorded in its folder.

python -m jobs.train --study jobs/studies/skip.yaml --variant skip --seed 0
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("train", "python -m jobs.train")
