import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandIDs } from '../commandIds';
import { jobsIcon } from '../icons';
import { type IView, Sidebar } from '../sidebar';
import { IJobs } from '../tokens';

const ID = 'nbsubmit:sidebar';
const RANK = 550;

/** The list of jobs. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'A sidebar with the jobs of all notebooks.',
  autoStart: true,
  requires: [IJobs],
  optional: [ILayoutRestorer, ICommandPalette, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');

    const { commands } = app;
    const widget = new Sidebar({ jobs, commands, trans });
    // What is kept can be read only once all plugins have been started.
    void app.started
      .then(() => state?.fetch(ID))
      .then(kept => widget.see((kept ?? {}) as Partial<IView>));
    widget.viewChanged.connect((_, { by }) => void state?.save(ID, { by }));
    app.shell.add(widget, 'left', { rank: RANK, type: 'Jobs' });
    restorer?.add(widget, widget.id);
    commands.addCommand(CommandIDs.showJobs, {
      label: trans.__('Show Jobs'),
      caption: trans.__('Show the jobs sent from notebooks'),
      icon: jobsIcon,
      execute: () => app.shell.activateById(widget.id)
    });
    palette?.addItem({
      command: CommandIDs.showJobs,
      category: trans.__('Slurm')
    });
  }
};
