import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import {
  ITranslator,
  type TranslationBundle,
  nullTranslator
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { CommandIDs } from '../commandIds';
import { textOf } from '../format';
import { LOAD, load } from '../loading';
import type { Action, IRow } from '../protocol';
import { IJobs } from '../tokens';
import { jobTitle } from '../words';

const SOON_MS = 1000;
const CLOSE_MS = 5000;

/** What can be done with a job, as commands with its id and store as arguments. */
export const actions: JupyterFrontEndPlugin<void> = {
  id: 'nbsubmit:actions',
  description:
    'Cancels jobs, sends them again, removes them, finds their cells.',
  autoStart: true,
  requires: [IJobs],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbsubmit');
    const { commands } = app;
    const rowOf = (args: ReadonlyPartialJSONObject): IRow | null =>
      jobs.model.rows.find(
        row => row.id === args.id && row.store === args.store
      ) ?? null;

    const all: [Action, string, (name: string) => string][] = [
      [
        'cancel',
        trans.__('Cancel Job'),
        name => trans.__('Cancelling %1…', name)
      ],
      [
        'resubmit',
        trans.__('Send Job Again'),
        name => trans.__('Sending %1 again…', name)
      ],
      [
        'attach',
        trans.__('Attach Job in Its Kernel'),
        name => trans.__('%1 waits for its kernel…', name)
      ],
      [
        'clean',
        trans.__('Remove Job from Disk'),
        name => trans.__('Removing %1…', name)
      ]
    ];
    for (const [action, label, doing] of all) {
      commands.addCommand(CommandIDs[action], {
        label,
        isEnabled: args => {
          const row = rowOf(args);
          return row !== null && (jobs.can(action, row) || opens(action, row));
        },
        execute: async args => {
          const row = rowOf(args);
          if (row && (await isMeant(action, row, trans))) {
            const pending = doing(jobTitle(row, trans));
            const ready = jobs.can(action, row)
              ? Promise.resolve()
              : startKernel(app, row.path ?? '', trans);
            const done = ready.then(() => jobs.act(action, row));
            tell(done, pending, row, trans);
          }
        }
      });
    }

    commands.addCommand(CommandIDs.goToCell, {
      label: trans.__('Go to the Cell of a Job'),
      isEnabled: args => {
        const row = rowOf(args);
        return Boolean(row?.cell && row.path);
      },
      execute: async args => {
        const row = rowOf(args);
        if (row !== null && row.path !== null) {
          const isThere = await goTo(app, row.path, row.cell).catch(
            () => false
          );
          if (!isThere) {
            Notification.warning(
              trans.__('The cell is no more in %1.', row.path),
              { autoClose: CLOSE_MS }
            );
          }
        }
      }
    });
  }
};

/** Whether something can be done once a job's notebook has a kernel. */
function opens(action: Action, row: IRow): boolean {
  return action === 'attach' && row.can.includes(action) && row.path !== null;
}

/** Open a notebook with a kernel that has nbsubmit. */
async function startKernel(
  app: JupyterFrontEnd,
  path: string,
  trans: TranslationBundle
): Promise<void> {
  const panel = await open(app, path);
  await panel?.sessionContext.ready;
  const session = panel?.sessionContext;
  const lacks = session && !session.session?.kernel;
  if (!panel || (lacks && (await session.startKernel()))) {
    throw new Error(
      trans.__(
        'Start a kernel in %1 and run %2 there, then attach.',
        path,
        LOAD
      )
    );
  }
  await load(panel);
}

/** Ask before what cannot be undone. */
async function isMeant(
  action: Action,
  row: IRow,
  trans: TranslationBundle
): Promise<boolean> {
  const name = jobTitle(row, trans);
  const asked: Partial<Record<Action, [string, string, string]>> = {
    cancel: [
      trans.__('Cancel %1?', name),
      trans.__('What it has not finished is lost.'),
      trans.__('Cancel job')
    ],
    clean: [
      trans.__('Remove %1 from disk?', name),
      trans.__(
        'Its log, its values and its results in the job folder are deleted. What it has brought into a notebook stays there.'
      ),
      trans.__('Remove')
    ]
  };
  const question = asked[action];
  if (question === undefined) {
    return true;
  }
  const [title, body, label] = question;
  const answer = await showDialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep') }),
      Dialog.warnButton({ label })
    ]
  });
  return answer.button.accept;
}

function tell(
  done: Promise<string>,
  pending: string,
  row: IRow,
  trans: TranslationBundle
): void {
  // Ids are long: a job is called by its name, others by what tells them apart.
  const short = (said: string): string =>
    said.replace(/\d{6}-\d{6}-(\w+)/g, (id, end: string) =>
      id === row.id && row.name ? row.name : end
    );
  // JupyterLab loses a change of what is not drawn yet (its issue 15558). So nothing is changed, and
  // what is done soon is told alone.
  let waiting = '';
  const late = setTimeout(() => {
    waiting = Notification.emit(pending, 'in-progress', { autoClose: false });
  }, SOON_MS);
  void done
    .then(
      said =>
        Notification.success(short(said) || trans.__('Done.'), {
          autoClose: CLOSE_MS
        }),
      (reason: unknown) => Notification.error(short(textOf(reason)))
    )
    .finally(() => {
      clearTimeout(late);
      if (waiting) {
        setTimeout(() => Notification.dismiss(waiting), SOON_MS);
      }
    });
}

/** Show a notebook; Notebook 7 opens it in a tab of the browser, where it is not to be had. */
async function open(
  app: JupyterFrontEnd,
  path: string
): Promise<NotebookPanel | undefined> {
  // Of a notebook that is gone nobody would say so.
  await app.serviceManager.contents.get(path, { content: false });
  const panel = (await app.commands.execute('docmanager:open', {
    path,
    factory: 'Notebook'
  })) as NotebookPanel | undefined;
  await panel?.context.ready;
  return panel;
}

/** Show a cell, and return whether it is there. */
async function goTo(
  app: JupyterFrontEnd,
  path: string,
  cell: string | null
): Promise<boolean> {
  const panel = await open(app, path);
  if (!panel) {
    return true;
  }
  const { content } = panel;
  const place = content.widgets.findIndex(each => each.model.id === cell);
  if (place < 0) {
    return false;
  }
  content.activeCellIndex = place;
  await content.scrollToItem(place, 'center').catch(() => undefined);
  return true;
}
