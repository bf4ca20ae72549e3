"""The names of the pipeline's steps, for those that do not build it."""


def trainer_id(variant: str, index: int) -> str:
    """Returns the id of the step that trains a replica of a variant.

    A variant's name has small letters only, so no other variant's trainer has the id of a further
    replica.
    """
    return f"Trainer_{variant}" + (f"_Seed{index}" if index else "")
