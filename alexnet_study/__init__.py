"""A structural study of AlexNet on CIFAR-10: train, analyse, aggregate, judge."""
