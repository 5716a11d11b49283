import { LabIcon } from '@jupyterlab/ui-components';
import jobsSvg from '../style/icons/jobs.svg';
import runSvg from '../style/icons/run.svg';

export const jobsIcon = new LabIcon({ name: 'nbsubmit:jobs', svgstr: jobsSvg });
export const runIcon = new LabIcon({ name: 'nbsubmit:run', svgstr: runSvg });
