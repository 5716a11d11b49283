import { actions } from './plugins/actions';
import { badge } from './plugins/badge';
import { jobs } from './plugins/jobs';
import { log } from './plugins/log';
import { notifications } from './plugins/notifications';
import { run } from './plugins/run';
import { sidebar } from './plugins/sidebar';
import { status } from './plugins/status';

export default [jobs, actions, sidebar, log, badge, run, status, notifications];
