"""The commands without the script that pip installs, as jobs start them: python -m alexnet_study train …"""

from alexnet_study.commands.main import main

if __name__ == "__main__":
    main("python -m alexnet_study")
