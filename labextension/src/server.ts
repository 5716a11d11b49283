/** The server's part of nbsubmit, by its REST interface. */

import { ServerConnection } from '@jupyterlab/services';
import {
  API,
  type Action,
  type IChoices,
  type ILogPart,
  type IRow,
  type IRows,
  answerOf,
  isChoices,
  isLogPart,
  rowsOf
} from './protocol';
import type { ILogQuery, IServer } from './tokens';

/** The server has no part of nbsubmit. */
export class NoServer extends Error {
  override name = 'NoServer';
}

export class Server implements IServer {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  async jobs(): Promise<IRows> {
    return rowsOf(await this.#ask(['jobs']));
  }

  async act(action: Action, row: IRow): Promise<string> {
    const [method, path] =
      action === 'clean'
        ? ['DELETE', ['jobs', row.id]]
        : ['POST', ['jobs', row.id, action]];
    const body = JSON.stringify({ store: row.store });
    return answerOf(await this.#ask(path, { method, body })) ?? '';
  }

  async log(
    row: Pick<IRow, 'id' | 'store'>,
    query: ILogQuery
  ): Promise<ILogPart> {
    const { stream, offset, limit, task } = query;
    const where = offset === undefined ? { tail: limit } : { offset, limit };
    const asked = { store: row.store, stream, ...where, ...(task && { task }) };
    const pairs = Object.entries(asked).map(([name, value]) => [
      name,
      String(value)
    ]);
    const found = await this.#ask(
      ['jobs', row.id, 'log'],
      {},
      `?${new URLSearchParams(pairs).toString()}`
    );
    if (!isLogPart(found)) {
      throw new Error('The server sent no log.');
    }
    return found;
  }

  async choices(): Promise<IChoices> {
    const found = await this.#ask(['choices']);
    if (!isChoices(found)) {
      throw new Error('The server does not say what there is to choose.');
    }
    return found;
  }

  async #ask(
    path: readonly string[],
    init: RequestInit = {},
    query = ''
  ): Promise<unknown> {
    const base = this.settings.baseUrl.replace(/\/*$/, '');
    const parts = [base, API, ...path.map(encodeURIComponent)];
    const url = parts.join('/') + query;
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this.settings
    );
    const text = await response.text();
    const found = json(text);
    if (response.ok) {
      return found;
    }
    // A 404 of ours says in JSON what is not there; another one means that nobody of ours is.
    const said = answerOf(found);
    const isOurs = response.status !== 404 || path.length > 1;
    throw isOurs
      ? new Error(said ?? `${response.status} ${response.statusText}`)
      : new NoServer('not found');
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
