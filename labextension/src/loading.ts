/** Loading nbsubmit in a notebook's kernel. */

import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

export const LOAD = '%load_ext nbsubmit';

/** Load nbsubmit by a cell of the notebook, so that it is loaded when it is run elsewhere. */
export async function load(panel: NotebookPanel): Promise<void> {
  const { content, sessionContext } = panel;
  const isLoading = (text: string): boolean =>
    text.split('\n').some(line => line.trim() === LOAD);
  let place = content.widgets.findIndex(
    each =>
      each.model.type === 'code' &&
      isLoading(each.model.sharedModel.getSource())
  );
  if (place < 0) {
    panel.context.model.sharedModel.insertCell(0, {
      cell_type: 'code',
      source: LOAD
    });
    place = 0;
  }
  content.activeCellIndex = place;
  content.deselectAll();
  await NotebookActions.run(content, sessionContext);
}
