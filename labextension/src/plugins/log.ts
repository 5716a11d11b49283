import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ISearchProviderRegistry } from '@jupyterlab/documentsearch';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { textEditorIcon } from '@jupyterlab/ui-components';
import type {
  ReadonlyPartialJSONObject,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';
import { CommandIDs } from '../commandIds';
import { shortId } from '../format';
import { addLogToolbar } from '../logToolbar';
import { type ILogArgs, LogView } from '../logView';
import { logSearch } from '../logSearch';
import { follow } from '../settings';
import { IJobs } from '../tokens';

const ID = 'nbsubmit:log';
const CHARACTERS = 1_000_000;

/** Logs in tabs of their own. */
export const log: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows what a job writes, while it runs and afterwards.',
  autoStart: true,
  requires: [IJobs],
  optional: [
    ILabShell,
    ILayoutRestorer,
    ISearchProviderRegistry,
    ISettingRegistry,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    search: ISearchProviderRegistry | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const tracker = new WidgetTracker<MainAreaWidget<LogView>>({
      namespace: 'nbsubmit-log'
    });
    let characters = CHARACTERS;
    follow(settings, ID, found => {
      characters = found.get('characters').composite as number;
    });

    const open = (args: ILogArgs): MainAreaWidget<LogView> => {
      const content = new LogView({ jobs, trans, args, characters });
      const widget = new MainAreaWidget({ content });
      widget.id = widgetId(args);
      widget.title.label = trans.__('Log of %1', args.name || shortId(args.id));
      widget.title.caption = args.id;
      widget.title.icon = textEditorIcon;
      widget.title.closable = true;
      addLogToolbar(widget, trans);
      content.argsChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
      return widget;
    };

    app.commands.addCommand(CommandIDs.log, {
      label: trans.__('Show Log of a Job'),
      isEnabled: args => jobs.hasLogs && read(args) !== null,
      execute: given => {
        const args = read(given);
        if (args === null) {
          return;
        }
        const shown = tracker.find(widget => widget.id === widgetId(args));
        const widget = shown ?? open(args);
        if (!shown) {
          // Notebook 7 has one thing in its main area.
          app.shell.add(widget, lab ? 'main' : 'right', { mode: 'tab-after' });
        }
        app.shell.activateById(widget.id);
      }
    });
    search?.add('nbsubmit:log', logSearch);
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.log,
        args: widget => ({ ...widget.content.args }),
        name: widget => widget.id
      });
    }
  }
};

function widgetId(args: ILogArgs): string {
  return `nbsubmit-log-${args.store}/${args.id}`.replace(/[^\w-]/g, '_');
}

function read(args: ReadonlyPartialJSONObject): ILogArgs | null {
  const text = (value: ReadonlyPartialJSONValue | undefined): string =>
    typeof value === 'string' ? value : '';
  const [id, store] = [text(args.id), text(args.store)];
  return id && store
    ? {
        id,
        store,
        name: text(args.name),
        stream: args.stream === 'stderr' ? 'stderr' : 'stdout',
        task: text(args.task)
      }
    : null;
}
