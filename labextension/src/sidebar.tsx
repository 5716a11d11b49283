/** The list of jobs. It knows the model and the commands, no server and no kernel. */

import type { CommandRegistry } from '@lumino/commands';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  type LabIcon,
  ReactWidget,
  UseSignal,
  codeIcon,
  deleteIcon,
  linkIcon,
  refreshIcon,
  stopIcon,
  textEditorIcon
} from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { type JSX, type KeyboardEvent, useEffect, useState } from 'react';
import { CommandIDs } from './commandIds';
import { duration, elapsed, fraction, mood } from './format';
import { jobsIcon } from './icons';
import { Fragment, h } from './jsx';
import { type Grouping, type IGroup, grouped, matches, ordered } from './list';
import { type IKnown, keyOf } from './model';
import type { IRow } from './protocol';
import type { IJobs } from './tokens';
import { description, jobTitle, notebookTitle, stateWord } from './words';

/** What a person has chosen to see. */
export interface IView {
  readonly filter: string;
  readonly by: Grouping;
}

export interface ISidebarOptions {
  readonly jobs: IJobs;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

export class Sidebar extends ReactWidget {
  constructor(private readonly options: ISidebarOptions) {
    super();
    const { trans } = options;
    this.id = 'nbsubmit-jobs';
    this.addClass('nbsubmit-Sidebar');
    this.title.icon = jobsIcon;
    this.title.caption = trans.__('Jobs sent from notebooks');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Jobs'));
  }

  /** It is shown, or hidden. */
  get shown(): ISignal<this, boolean> {
    return this.#shown;
  }

  /** Other jobs are to be seen, or in other groups. */
  get viewChanged(): ISignal<this, IView> {
    return this.#viewChanged;
  }

  /** Show other jobs, or other groups. */
  see(part: Partial<IView>): void {
    this.#view = { ...this.#view, ...part };
    this.#viewChanged.emit(this.#view);
    this.update();
  }

  override dispose(): void {
    this.#watch?.dispose();
    super.dispose();
  }

  protected override onAfterShow(): void {
    this.#watch ??= this.options.jobs.watch();
    this.#shown.emit(true);
  }

  protected override onAfterHide(): void {
    this.#watch?.dispose();
    this.#watch = null;
    this.#shown.emit(false);
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this.#shown} initialArgs={this.isVisible}>
        {(_, isShown) => (
          <Jobs
            {...this.options}
            view={this.#view}
            isShown={isShown ?? false}
            see={part => this.see(part)}
          />
        )}
      </UseSignal>
    );
  }

  #view: IView = { filter: '', by: 'none' };
  #watch: IDisposable | null = null;
  readonly #shown = new Signal<this, boolean>(this);
  readonly #viewChanged = new Signal<this, IView>(this);
}

interface IJobsProps extends ISidebarOptions {
  readonly view: IView;
  readonly isShown: boolean;
  readonly see: (part: Partial<IView>) => void;
}

/** Return a number that is another one whenever a signal was emitted. */
function useChanges(...signals: ISignal<unknown, unknown>[]): void {
  const [, count] = useState(0);
  useEffect(() => {
    const changed = (): void => count(number => number + 1);
    signals.forEach(signal => signal.connect(changed));
    return () => signals.forEach(signal => signal.disconnect(changed));
  }, signals);
}

/** Return the seconds since 1970, anew each second while it ticks. */
function useClock(ticks: boolean): number {
  const [now, set] = useState(() => Date.now() / 1000);
  useEffect(() => {
    set(Date.now() / 1000);
    if (!ticks) {
      return;
    }
    const timer = setInterval(() => set(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, [ticks]);
  return now;
}

function Jobs(props: IJobsProps): JSX.Element {
  const { jobs, trans, isShown, view, see } = props;
  useChanges(jobs.model.changed, jobs.statusChanged);
  const { known, rows } = jobs.model;
  const now = useClock(isShown && rows.some(row => row.live && row.started));
  const found = ordered(rows.filter(row => matches(row, view.filter)));

  return (
    <>
      <Header {...{ jobs, trans, view, see }} />
      <Remarks jobs={jobs} trans={trans} />
      {found.length ? (
        <div className="nbsubmit-groups" onKeyDown={moveFocus}>
          {grouped(found, view.by).map(group => (
            <Group key={group.key} {...props} {...{ group, known, now }} />
          ))}
        </div>
      ) : (
        <p className="nbsubmit-empty">{emptyWords(jobs, view, trans)}</p>
      )}
    </>
  );
}

interface IHeaderProps {
  readonly jobs: IJobs;
  readonly trans: TranslationBundle;
  readonly view: IView;
  readonly see: (part: Partial<IView>) => void;
}

function Header({ jobs, trans, view, see }: IHeaderProps): JSX.Element {
  const by: [Grouping, string][] = [
    ['none', trans.__('No groups')],
    ['notebook', trans.__('By notebook')],
    ['state', trans.__('By state')]
  ];
  return (
    <header className="nbsubmit-header">
      <h2>{trans.__('Jobs')}</h2>
      <input
        type="search"
        className="jp-mod-styled"
        placeholder={trans.__('Filter')}
        aria-label={trans.__('Filter jobs')}
        value={view.filter}
        onChange={event => see({ filter: event.target.value })}
      />
      <select
        className="jp-mod-styled"
        aria-label={trans.__('Group jobs')}
        value={view.by}
        onChange={event => see({ by: event.target.value as Grouping })}
      >
        {by.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <IconButton
        icon={refreshIcon}
        label={trans.__('Look again')}
        onClick={() => void jobs.refresh()}
      />
    </header>
  );
}

function Remarks({
  jobs,
  trans
}: {
  jobs: IJobs;
  trans: TranslationBundle;
}): JSX.Element | null {
  const trouble =
    jobs.serving === 'failing'
      ? trans.__('The server cannot tell of jobs: %1', jobs.trouble)
      : jobs.serving === 'absent'
        ? trans.__(
            "The server's part of nbsubmit is not installed or not enabled. Jobs are shown while the kernels of their notebooks run."
          )
        : '';
  const remarks = [trouble, ...jobs.remarks].filter(Boolean);
  if (!remarks.length) {
    return null;
  }
  return (
    <div
      className="nbsubmit-remarks"
      role="status"
      data-trouble={jobs.serving === 'failing' || undefined}
    >
      {remarks.map(remark => (
        <p key={remark}>{remark}</p>
      ))}
    </div>
  );
}

function emptyWords(
  jobs: IJobs,
  view: IView,
  trans: TranslationBundle
): string {
  if (jobs.model.rows.length) {
    return trans.__('No job has "%1" in it.', view.filter);
  }
  if (jobs.serving === 'unknown') {
    return trans.__('Looking for jobs…');
  }
  return trans.__(
    'There are no jobs yet. A cell that begins with %%slurm becomes one; the button "Run on Slurm" in a notebook\'s toolbar writes that line.'
  );
}

interface IGroupProps extends IJobsProps {
  readonly group: IGroup;
  readonly known: ReadonlyMap<string, IKnown>;
  readonly now: number;
}

function Group(props: IGroupProps): JSX.Element {
  const { group, known, now, trans, view } = props;
  const [first] = group.rows;
  const title =
    first === undefined || view.by === 'none'
      ? ''
      : view.by === 'state'
        ? stateWord(first.state, trans)
        : notebookTitle(first, trans);
  const label = title || trans.__('Jobs');
  return (
    <section>
      {title && (
        <h3 title={group.key}>
          {title} <span>{group.rows.length}</span>
        </h3>
      )}
      <ul role="list" aria-label={label}>
        {group.rows.map(row => {
          const key = keyOf(row);
          const told = known.get(key)?.told ?? now;
          return <Job key={key} {...props} {...{ row, told, now }} />;
        })}
      </ul>
    </section>
  );
}

interface IJobProps extends IJobsProps {
  readonly row: IRow;
  readonly told: number;
  readonly now: number;
}

function Job(props: IJobProps): JSX.Element {
  const { row, told, now, trans, commands } = props;
  const seconds = elapsed(row, now, told);
  const title = jobTitle(row, trans);
  const state = stateWord(row.state, trans);
  const openLog = (): void => void commands.execute(CommandIDs.log, args(row));
  return (
    <li
      className="nbsubmit-job"
      tabIndex={0}
      data-id={row.id}
      data-state={row.state}
      data-mood={mood(row.state)}
      aria-label={`${title}, ${state}`}
      title={description(row, trans)}
      onDoubleClick={openLog}
      onKeyDown={event => {
        if (event.key === 'Enter' && event.target === event.currentTarget) {
          openLog();
        }
      }}
    >
      <div className="nbsubmit-line">
        <span className="nbsubmit-name">{title}</span>
        <time>{row.started === null ? '' : duration(seconds)}</time>
      </div>
      <div className="nbsubmit-line">
        <span className="nbsubmit-state">{state}</span>
        <span className="nbsubmit-where">
          {[notebookTitle(row, trans), row.live ? row.node : '']
            .filter(Boolean)
            .join(' · ')}
        </span>
        <Actions {...props} />
      </div>
      {row.progress && <Progress row={row} trans={trans} />}
      {!['RUNNING', 'COMPLETED'].includes(row.state) && row.reason && (
        <div className="nbsubmit-reason">{row.reason}</div>
      )}
    </li>
  );
}

function Progress({
  row,
  trans
}: {
  row: IRow;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { progress } = row;
  if (progress === null) {
    return null;
  }
  const part = fraction(progress);
  const count =
    progress.total === null
      ? `${progress.done}`
      : `${progress.done} / ${progress.total}`;
  return (
    <div className="nbsubmit-progress">
      {part !== null && (
        <div
          role="progressbar"
          aria-label={trans.__('Progress of %1', jobTitle(row, trans))}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * part)}
        >
          <div style={{ width: `${100 * part}%` }} />
        </div>
      )}
      <span>{[count, progress.text].filter(Boolean).join(' ')}</span>
    </div>
  );
}

/** Return what a command has to know of a job. */
export function args(row: IRow): { id: string; store: string; name: string } {
  return { id: row.id, store: row.store, name: row.name };
}

function Actions({ row, commands, trans }: IJobProps): JSX.Element {
  const all: [string, LabIcon, string][] = [
    [CommandIDs.log, textEditorIcon, trans.__('Show log')],
    [CommandIDs.goToCell, codeIcon, trans.__('Go to the cell')],
    [
      CommandIDs.attach,
      linkIcon,
      trans.__("Attach in its notebook's kernel: panel, output and names")
    ],
    [CommandIDs.resubmit, refreshIcon, trans.__('Send again')],
    [CommandIDs.cancel, stopIcon, trans.__('Cancel…')],
    [CommandIDs.clean, deleteIcon, trans.__('Remove from disk…')]
  ];
  const possible = all.filter(([command]) =>
    commands.isEnabled(command, args(row))
  );
  return (
    <span className="nbsubmit-actions" role="group">
      {possible.map(([command, icon, label]) => (
        <IconButton
          key={command}
          icon={icon}
          label={label}
          onClick={() => void commands.execute(command, args(row))}
        />
      ))}
    </span>
  );
}

interface IIconButtonProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly onClick: () => void;
}

function IconButton({ icon, label, onClick }: IIconButtonProps): JSX.Element {
  return (
    <button type="button" title={label} aria-label={label} onClick={onClick}>
      <icon.react tag="span" />
    </button>
  );
}

/** Arrow keys go from job to job, Home and End to the first and the last. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const all = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('.nbsubmit-job')
  ];
  const place = all.findIndex(job => job.contains(document.activeElement));
  const next = {
    ArrowDown: all[place + 1],
    ArrowUp: all[place - 1],
    Home: all[0],
    End: all.at(-1)
  }[event.key];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}
