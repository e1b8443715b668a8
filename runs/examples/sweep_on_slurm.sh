#!/bin/bash
# A sweep on a SLURM cluster: sbatch runs/examples/sweep_on_slurm.sh my_sweep.toml --out /shared/mine
# All nodes see this folder, the results and the virtual environment. Stopped by its time limit, the job is submitted
# again as it is: only what is missing is run.
#SBATCH --job-name=eventsim-sweep
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=4G
#SBATCH --time=04:00:00
set -euo pipefail

source .venv/bin/activate # with the extra: pip install -c constraints.txt -e '.[scale]'
file=$PWD/scheduler-$SLURM_JOB_ID.json
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$file"' EXIT

dask scheduler --port 0 --no-dashboard --scheduler-file "$file" &
srun dask worker --nthreads 1 --no-dashboard --scheduler-file "$file" & # a worker for each task
until [ -s "$file" ]; do sleep 1; done

eventsim sweep "$@" --scheduler "$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$file")"
