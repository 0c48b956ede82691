"""A task of our own in lm-eval, with its model that knows nothing: `made_elsewhere.py` imports what it writes here."""

import json
import subprocess
import sys
from pathlib import Path

GREATER = """task: greater
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{q}}"
doc_to_choice: choices
doc_to_target: label
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""
FREE = """task: greater_free
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: answer
generation_kwargs: {until: ["\\n"]}
repeats: 2
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
  - {metric: bleu, aggregation: bleu, higher_is_better: true}
filter_list:
  - {name: first, filter: [{function: take_first}]}
  - {name: lower, filter: [{function: lowercase}, {function: take_first}]}
"""

pairs = [(3, 1), (2, 5), (9, 4), (1, 8), (7, 7), (6, 2)]
choices = ["yes", "no"]
rows = [
    {"q": f"Is {a} greater than {b}?", "choices": choices, "label": int(a <= b), "answer": choices[int(a <= b)]}
    for a, b in pairs
]
Path("test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
Path("tasks").mkdir()
Path("tasks/greater.yaml").write_text(GREATER)
Path("tasks/greater_free.yaml").write_text(FREE)
command = ["run", "--model", "dummy", "--tasks", "greater,greater_free", "--include_path", "tasks"]
subprocess.run([sys.executable, "-m", "lm_eval", *command, "--output_path", "out", "--log_samples"], check=True)
print(next(Path("out").rglob("results_*.json")).resolve())
