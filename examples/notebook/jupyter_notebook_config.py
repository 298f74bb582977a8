# Jupyter reads this file at its start.
from pathlib import Path

# Whoever has the caller's token may open the notebook.
c.NotebookApp.token = Path("/run/dynamic-access/token").read_text().strip()
c.NotebookApp.ip = "0.0.0.0"
c.NotebookApp.port = 8888
c.NotebookApp.open_browser = False
# The page of terminals in Debian 12's package does not load.
c.NotebookApp.terminals_enabled = False
