/** The commands that plugins offer and views call. */
export const CommandIDs = {
  showJobs: 'nbsubmit:show-jobs',
  log: 'nbsubmit:show-log',
  goToCell: 'nbsubmit:go-to-cell',
  attach: 'nbsubmit:attach',
  resubmit: 'nbsubmit:resubmit',
  cancel: 'nbsubmit:cancel',
  clean: 'nbsubmit:clean',
  run: 'nbsubmit:run-on-slurm'
} as const;
