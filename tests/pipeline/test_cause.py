from components.errors import InputError
from pipeline.cause import cause_of


def test_cause_is_the_users_error_however_deep():
    try:
        try:
            raise InputError("line 7 is bad")
        except InputError as error:
            raise RuntimeError("wrapped [while running X]") from error
    except RuntimeError as error:
        assert cause_of(error) == "line 7 is bad"


def test_cause_respects_a_suppressed_context():
    try:
        try:
            raise KeyError("x")
        except KeyError:
            raise RuntimeError("the useful message") from None
    except RuntimeError as error:
        assert cause_of(error) == "RuntimeError: the useful message"


def test_cause_of_other_errors_is_the_innermost_with_its_type():
    try:
        try:
            raise KeyError("x")
        except KeyError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        assert cause_of(error) == "KeyError: 'x'"


def test_cause_of_a_worker_is_the_last_line_of_its_traceback():
    text = (
        "Error received from SDK harness for instruction 3: Traceback (most recent call last):\n"
        '  File "x.py", line 7, in process\n    y = 1\n'
        "tensorflow.errors.ResourceExhaustedError: disk full [while running 'Decode']\n"
    )
    expected = "ResourceExhaustedError: disk full [while running 'Decode']"
    assert cause_of(RuntimeError(text)) == expected
