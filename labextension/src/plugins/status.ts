import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commandIds';
import { StatusItem } from '../statusItem';
import { IJobs } from '../tokens';

/** How many jobs run and wait, in the status bar. */
export const status: JupyterFrontEndPlugin<void> = {
  id: 'nbsubmit:status',
  description: 'Shows in the status bar how many jobs run and wait.',
  autoStart: true,
  requires: [IJobs],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    if (bar === null) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const item = new StatusItem(jobs.model, trans, () => {
      void app.commands.execute(CommandIDs.showJobs);
    });
    bar.registerStatusItem('nbsubmit:status', {
      item,
      align: 'left',
      isActive: () => jobs.model.isLive,
      activeStateChanged: item.isActiveChanged
    });
  }
};
