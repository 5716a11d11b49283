/** What the views say in several places, translated. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { basename, duration, shortId, word } from './format';
import type { IRow } from './protocol';

/** Return a state as a word in the user's language. */
export function stateWord(state: string, trans: TranslationBundle): string {
  const words: Readonly<Record<string, string>> = {
    PENDING: trans.__('pending'),
    RUNNING: trans.__('running'),
    SUSPENDED: trans.__('suspended'),
    COMPLETED: trans.__('completed'),
    FAILED: trans.__('failed'),
    CANCELLED: trans.__('cancelled'),
    TIMEOUT: trans.__('timed out'),
    OUT_OF_MEMORY: trans.__('out of memory'),
    PREEMPTED: trans.__('preempted'),
    NODE_FAIL: trans.__('node failed'),
    LOST: trans.__('lost'),
    REFUSED: trans.__('refused')
  };
  return words[state] ?? word(state);
}

/** Return what a job is called: by its name, its notebook, or the end of its id. */
export function jobTitle(row: IRow, trans: TranslationBundle): string {
  return row.name || trans.__('job %1', shortId(row.id));
}

/** Return where a job comes from. */
export function notebookTitle(row: IRow, trans: TranslationBundle): string {
  const path = row.path ?? row.notebook;
  return path ? basename(path) : trans.__('a script');
}

/** Return all that is said of a job, in a few lines of plain text. */
export function description(row: IRow, trans: TranslationBundle): string {
  const lines = [
    `${jobTitle(row, trans)}: ${stateWord(row.state, trans)}`,
    row.reason,
    row.advice,
    row.node && trans.__('on %1', row.node),
    row.seconds > 0 && trans.__('ran for %1', duration(row.seconds)),
    row.handle && trans.__('%1 job %2', row.backend, row.handle),
    row.id
  ];
  return lines.filter(Boolean).join('\n');
}
