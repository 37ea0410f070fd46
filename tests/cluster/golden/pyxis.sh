#!/bin/bash

# Parameters
#SBATCH --array=0-3%4
#SBATCH --chdir=/study
#SBATCH --comment=tiny/20260102-030405-abcdef/0
#SBATCH --cpus-per-task=1
#SBATCH --error=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_0_log.err
#SBATCH --gres=gpu:1
#SBATCH --job-name=tiny-baseline
#SBATCH --mem=8192M
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_0_log.out
#SBATCH --requeue
#SBATCH --signal=USR2@180
#SBATCH --time=60

# setup
export ALEXNET_STUDY_JOB_START=$(date +%s)
[ -z "$SLURM_RESTART_COUNT" ] || echo "started again: life $SLURM_RESTART_COUNT" >&2
export PYTHONPATH=''
export PYTHONSAFEPATH=1
export PYTHONNOUSERSITE=1

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_%t_log.out --error /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%A_%a_%t_log.err --cpus-per-task=1 --container-image=/study/alexnet-study.sqsh --container-mounts=/study:/study,/study/results:/study/results,/data/images:/data/images --container-workdir=/study /opt/venv/bin/python -u -m submitit.core._submit /study/results/tiny/.submit/20260102-030405-abcdef/jobs


# teardown
rc=$?
if [ $rc = 75 ] || [ $rc = 140 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -ge 100 ]; then
    echo "not requeued: max_requeues is 100" >&2
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
#SBATCH --chdir=/study
#SBATCH --comment=tiny/20260102-030405-abcdef/2
#SBATCH --cpus-per-task=1
#SBATCH --dependency=afterany:12:13
#SBATCH --error=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_0_log.err
#SBATCH --job-name=tiny-report
#SBATCH --mem=4096M
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=/study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_0_log.out
#SBATCH --requeue
#SBATCH --signal=USR2@10
#SBATCH --time=30

# setup
export ALEXNET_STUDY_JOB_START=$(date +%s)
[ -z "$SLURM_RESTART_COUNT" ] || echo "started again: life $SLURM_RESTART_COUNT" >&2
export PYTHONPATH=''
export PYTHONSAFEPATH=1
export PYTHONNOUSERSITE=1
export NVIDIA_VISIBLE_DEVICES=void

# command
export SUBMITIT_EXECUTOR=slurm
srun --unbuffered --output /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_%t_log.out --error /study/results/tiny/.submit/20260102-030405-abcdef/jobs/%j_%t_log.err --cpus-per-task=1 --container-image=/study/alexnet-study.sqsh --container-mounts=/study:/study,/study/results:/study/results,/data/images:/data/images --container-workdir=/study --container-env=NVIDIA_VISIBLE_DEVICES /opt/venv/bin/python -u -m submitit.core._submit /study/results/tiny/.submit/20260102-030405-abcdef/jobs


# teardown
rc=$?
if [ $rc = 75 ] || [ $rc = 140 ]; then
  if [ "${SLURM_RESTART_COUNT:-0}" -ge 100 ]; then
    echo "not requeued: max_requeues is 100" >&2
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