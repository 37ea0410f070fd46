#!/bin/bash

# Parameters
#SBATCH --account=lab_42
#SBATCH --array=0-1%2
#SBATCH --chdir=/study
#SBATCH --comment=tiny/20260102-030405-abcdef/0
#SBATCH --constraint='(a100|h100)&nvlink'
#SBATCH --cpus-per-task=8
#SBATCH --error=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_0_log.err
#SBATCH --exclude='node[3-4]'
#SBATCH --gres=gpu:h100:1
#SBATCH --job-name=tiny-baseline
#SBATCH --mem=6656M
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_0_log.out
#SBATCH --partition=gpu,long
#SBATCH --qos=high
#SBATCH --requeue
#SBATCH --signal=USR2@120
#SBATCH --time=30

# setup
export ALEXNET_STUDY_JOB_START=$(date +%s)
[ -z "$SLURM_RESTART_COUNT" ] || echo "started again: life $SLURM_RESTART_COUNT" >&2
export PYTHONPATH=/study/results/tiny/.submit/20260102-030405-abcdef/code
export PYTHONSAFEPATH=1
set -e; trap 'echo "error: setup ended the job with exit code $? in: $BASH_COMMAND" >&2' EXIT
module load cuda
echo "on $(hostname)"
set +e; trap - EXIT

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_%t_log.out --error /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_%t_log.err --cpus-per-task=8 /study/.venv/bin/python -u -m submitit.core._submit /study/results/tiny/.submit/20260102-030405-abcdef/jobs


# teardown
rc=$?
if [ $rc = 75 ] || [ $rc = 140 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -ge 3 ]; then
    echo "not requeued: max_requeues is 3" >&2
  else
    job=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}
    state=$(scontrol show job --oneliner "$job")
    case "$state" in *PreemptTime=[0-9]*) echo "returned to the queue: preempted" >&2 ;; esac
    case "$state" in
      *JobState=CANCELLED*) ;;
      *) scontrol requeue "$job" ;;
    esac
  fi
fi
exit $rc
#!/bin/bash

# Parameters
#SBATCH --account=lab_42
#SBATCH --chdir=/study
#SBATCH --comment=tiny/20260102-030405-abcdef/2
#SBATCH --cpus-per-task=2
#SBATCH --dependency=afterany:12:13
#SBATCH --error=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_0_log.err
#SBATCH --job-name=tiny-report
#SBATCH --mem=1024M
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_0_log.out
#SBATCH --partition=cpu
#SBATCH --qos=high
#SBATCH --requeue
#SBATCH --signal=USR2@10
#SBATCH --time=5

# setup
export ALEXNET_STUDY_JOB_START=$(date +%s)
[ -z "$SLURM_RESTART_COUNT" ] || echo "started again: life $SLURM_RESTART_COUNT" >&2
export PYTHONPATH=/study/results/tiny/.submit/20260102-030405-abcdef/code
export PYTHONSAFEPATH=1
set -e; trap 'echo "error: setup ended the job with exit code $? in: $BASH_COMMAND" >&2' EXIT
module load cuda
echo "on $(hostname)"
set +e; trap - EXIT

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_%t_log.out --error /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_%t_log.err --cpus-per-task=2 /study/.venv/bin/python -u -m submitit.core._submit /study/results/tiny/.submit/20260102-030405-abcdef/jobs


# teardown
rc=$?
if [ $rc = 75 ] || [ $rc = 140 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -ge 3 ]; then
    echo "not requeued: max_requeues is 3" >&2
  else
    job=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}
    state=$(scontrol show job --oneliner "$job")
    case "$state" in *PreemptTime=[0-9]*) echo "returned to the queue: preempted" >&2 ;; esac
    case "$state" in
      *JobState=CANCELLED*) ;;
      *) scontrol requeue "$job" ;;
    esac
  fi
fi
exit $rc