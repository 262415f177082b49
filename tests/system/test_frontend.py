"""Who sits before a kernel is told by each message that runs a cell."""

from jupyter_client.manager import run_kernel

from sedlab.system.frontend import person_present

CELL = """
import threading
from sedlab.system.frontend import person_present
answers = [person_present()]
thread = threading.Thread(target=lambda: answers.append(person_present()))
thread.start()
thread.join()
print(answers)
"""


def test_a_person_is_where_the_front_end_can_ask_one():
    said = []
    with run_kernel(kernel_name="python3") as kernel:
        for can_ask in (True, False):
            kernel.execute_interactive(
                CELL, allow_stdin=can_ask, output_hook=lambda message: said.append(message["content"].get("text", ""))
            )
    assert "".join(said) == "[True, True]\n[False, False]\n"


def test_nobody_is_before_a_program():
    assert not person_present()
