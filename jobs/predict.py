"""What a finished run's model says of images: the class and all probabilities, as CSV.

python -m jobs.predict --run results/skip/skip/seed-0 photo.jpg
"""

from alexnet_study.commands.ending import finish

if __name__ == "__main__":
    finish("predict", "python -m jobs.predict")
