import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Debouncer } from '@lumino/polling';
import { Jobs } from '../jobs';
import { KernelWatch } from '../kernel';
import { EVENT_SCHEMA } from '../protocol';
import { NoServer, Server } from '../server';
import { follow } from '../settings';
import { IJobs } from '../tokens';

const ID = 'nbsubmit:jobs';
const SECONDS = 15;

/** Knows the jobs, by the server and by the kernels of open notebooks. */
export const jobs: JupyterFrontEndPlugin<IJobs> = {
  id: ID,
  description: 'Knows the jobs that were sent from notebooks.',
  autoStart: true,
  provides: IJobs,
  optional: [INotebookTracker, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): IJobs => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const jobs = new Jobs({
      server: new Server(app.serviceManager.serverSettings),
      isAbsence: error => error instanceof NoServer,
      now: () => Date.now() / 1000,
      seconds: SECONDS,
      words: {
        nobody: trans.__(
          'Neither the server nor an open notebook of this job can do that.'
        )
      }
    });
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id === EVENT_SCHEMA) {
        jobs.heard(event);
      }
    });
    const watch = (panel: NotebookPanel): void => {
      new KernelWatch(panel, kernel => jobs.add(kernel));
      let before = panel.context.localPath;
      panel.context.pathChanged.connect(({ localPath }) => {
        jobs.model.moved(before, localPath);
        before = localPath;
      });
    };
    notebooks?.forEach(watch);
    // Jobs of one that is opened may have ended where this page did not hear of them; a page opens
    // all of its notebooks at once.
    const opened = new Debouncer(() => jobs.refresh(), 100);
    notebooks?.widgetAdded.connect((_, panel) => {
      watch(panel);
      void opened.invoke();
    });
    follow(settings, ID, found => {
      jobs.seconds = found.get('seconds').composite as number;
    });
    void jobs.refresh();
    return jobs;
  }
};
