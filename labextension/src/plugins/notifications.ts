import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commandIds';
import { duration } from '../format';
import { News, took } from '../news';
import type { IRow } from '../protocol';
import { follow } from '../settings';
import { args } from '../sidebar';
import { IJobs } from '../tokens';
import { jobTitle, stateWord } from '../words';

const ID = 'nbsubmit:notifications';
const MINIMUM_SECONDS = 60;

const TYPES: Readonly<Record<string, Notification.TypeOptions>> = {
  COMPLETED: 'success',
  CANCELLED: 'warning',
  PREEMPTED: 'warning'
};

type Notice = Notification.IUpdate<string>;

/** Tells when a long job has ended. */
export const notifications: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Tells when a long job has ended.',
  autoStart: true,
  requires: [IJobs],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const words = (row: IRow): Omit<Notice, 'id'> => ({
      message: [
        trans.__(
          '%1: %2 after %3.',
          jobTitle(row, trans),
          stateWord(row.state, trans),
          duration(took(row))
        ),
        row.reason
      ]
        .filter(Boolean)
        .join(' '),
      type: TYPES[row.state] ?? 'error',
      autoClose: false,
      actions: [
        [CommandIDs.goToCell, trans.__('Go to the cell')] as const,
        [CommandIDs.log, trans.__('Show log')] as const
      ]
        .filter(([command]) => app.commands.isEnabled(command, args(row)))
        .map(([command, label]) => ({
          label,
          callback: () => void app.commands.execute(command, args(row))
        }))
    });
    const news = new News<Omit<Notice, 'id'>>(
      {
        has: id => Notification.manager.has(id),
        show: ({ message = '', type = 'default', ...options }) =>
          Notification.emit(message, type, options),
        update: (id, notice) => Notification.update({ id, ...notice })
      },
      words
    );
    jobs.model.changed.connect((_, { ended }) => news.tell(ended));
    if (settings === null) {
      news.minimumSeconds = MINIMUM_SECONDS;
    }
    follow(settings, ID, found => {
      const isWanted = found.get('enabled').composite as boolean;
      const seconds = found.get('minimumSeconds').composite as number;
      news.minimumSeconds = isWanted ? seconds : null;
    });
  }
};
