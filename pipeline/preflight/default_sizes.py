"""The numbers of ids of `make demo`: 100,000 generated rows, all 26 features of the Criteo log.

They stand in where no run of the pipeline is there yet. Ids 0 and 1 of each feature, missing and
out of vocabulary, are counted, too; every numeric feature has an indicator of missing values.
"""

DENSE_WIDTH = 26
VOCABULARY_SIZES = {
    "C1": 151,
    "C2": 583,
    "C3": 1841,
    "C4": 1891,
    "C5": 59,
    "C6": 26,
    "C7": 3492,
    "C8": 94,
    "C9": 5,
    "C10": 2141,
    "C11": 3063,
    "C12": 1839,
    "C13": 2664,
    "C14": 29,
    "C15": 2125,
    "C16": 1939,
    "C17": 12,
    "C18": 1489,
    "C19": 654,
    "C20": 6,
    "C21": 1880,
    "C22": 20,
    "C23": 17,
    "C24": 1538,
    "C25": 46,
    "C26": 1138,
}
