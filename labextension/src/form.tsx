/** The form that asks what a cell is to have; the cell's line is what it is written into. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { type JSX, useId, useState } from 'react';
import { type Field, type IRequest, NAMES, changed, isRight } from './fields';
import { size } from './format';
import { Fragment, h } from './jsx';
import { type Magic, written } from './line';
import type { IChoices, IPartition } from './protocol';

export interface IFormOptions {
  readonly trans: TranslationBundle;
  readonly request: IRequest;
  /** What there is to choose from; null where nobody can tell. */
  readonly choices: IChoices | null;
  /** What a person should know before it is run. */
  readonly notes: readonly string[];
}

/** A dialog's body. Its value is what was asked for. */
export class Form extends ReactWidget implements Dialog.IBodyWidget<IRequest> {
  constructor(private readonly options: IFormOptions) {
    super();
    this.addClass('nbsubmit-Form');
    this.#request = options.request;
  }

  getValue(): IRequest {
    return this.#request;
  }

  protected override render(): JSX.Element {
    return (
      <Body
        {...this.options}
        ask={request => {
          this.#request = request;
        }}
      />
    );
  }

  #request: IRequest;
}

interface IBodyProps extends IFormOptions {
  readonly ask: (request: IRequest) => void;
}

function Body({ trans, choices, notes, ...props }: IBodyProps): JSX.Element {
  const [request, setRequest] = useState(props.request);
  const id = useId();
  const ask = (next: IRequest): void => {
    setRequest(next);
    props.ask(next);
  };
  const set = (field: Field, value: string): void =>
    ask(changed(request, { ...request.values, [field]: value }));
  const magics: [Magic, string][] = [
    ['slurm', trans.__('Slurm')],
    ['local', trans.__('This machine')],
    ['submit', trans.__('Slurm where there is one, else this machine')]
  ];
  return (
    <div className="nbsubmit-form">
      <label htmlFor={`${id}-magic`}>{trans.__('Where')}</label>
      <select
        id={`${id}-magic`}
        className="jp-mod-styled"
        value={request.magic}
        onChange={event =>
          ask({ ...request, magic: event.target.value as Magic })
        }
      >
        {magics.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {NAMES.map(field => (
        <Row
          key={field}
          id={`${id}-${field}`}
          field={field}
          value={request.values[field]}
          set={value => set(field, value)}
          {...{ trans, choices, request }}
        />
      ))}
      <output aria-label={trans.__("The cell's line")}>
        {written(request.magic, request.options)}
      </output>
      {notes.map(note => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}

interface IRowProps {
  readonly id: string;
  readonly field: Field;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly trans: TranslationBundle;
  readonly choices: IChoices | null;
  readonly request: IRequest;
}

function Row(props: IRowProps): JSX.Element {
  const { id, field, value, set, trans, choices, request } = props;
  const offers = offered(field, choices);
  const isWrong = !isRight(field, value);
  const hint = isWrong
    ? wrongWords(field, trans)
    : hintOf(field, choices, request, trans);
  return (
    <>
      <label htmlFor={id}>{labelOf(field, trans)}</label>
      <input
        id={id}
        className="jp-mod-styled"
        name={field}
        value={value}
        placeholder={placeholderOf(field, choices, trans)}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={isWrong}
        aria-describedby={hint ? `${id}-hint` : undefined}
        list={offers.length ? `${id}-offers` : undefined}
        onChange={event => set(event.target.value)}
      />
      {offers.length > 0 && (
        <datalist id={`${id}-offers`}>
          {offers.map(each => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      {hint && (
        <small id={`${id}-hint`} data-wrong={isWrong || undefined}>
          {hint}
        </small>
      )}
    </>
  );
}

function labelOf(field: Field, trans: TranslationBundle): string {
  return {
    profile: trans.__('Profile'),
    partition: trans.__('Partition'),
    gpus: trans.__('GPUs'),
    cpus: trans.__('CPUs'),
    memory: trans.__('Memory'),
    time: trans.__('Time')
  }[field];
}

function wrongWords(field: Field, trans: TranslationBundle): string {
  return {
    profile: trans.__('A name, or several with commas between them'),
    partition: trans.__('A name, or several with commas between them'),
    gpus: trans.__('A number, a type, or both: 2, a100, a100:2'),
    cpus: trans.__('A whole number from 1 up'),
    memory: trans.__('A size: 4G, 500M'),
    time: trans.__('A duration: 90m, 2h, 1d12h, 2-00:00:00, UNLIMITED')
  }[field];
}

function placeholderOf(
  field: Field,
  choices: IChoices | null,
  trans: TranslationBundle
): string {
  const usual = choices?.partitions.find(each => each.default)?.name;
  return {
    profile: trans.__('none'),
    partition: usual ?? trans.__("the cluster's default"),
    gpus: trans.__('for example 1'),
    cpus: trans.__('for example 4'),
    memory: trans.__('for example 4G'),
    time: trans.__('for example 2h')
  }[field];
}

/** Return what can be chosen for a field. */
function offered(field: Field, choices: IChoices | null): string[] {
  if (field === 'profile') {
    return (choices?.profiles ?? []).map(({ name }) => name);
  }
  if (field === 'partition') {
    return (choices?.partitions ?? []).map(({ name }) => name);
  }
  if (field === 'gpus') {
    // "gpu:a100:4" offers as many of a type as a node has at most.
    const types = (choices?.gres ?? []).map(each => each.split(':'));
    return types.flatMap(([kind, type, count]) =>
      kind === 'gpu' && type && count !== undefined ? [`${type}:1`] : []
    );
  }
  return [];
}

function hintOf(
  field: Field,
  choices: IChoices | null,
  request: IRequest,
  trans: TranslationBundle
): string {
  const name = request.values.partition;
  const partitions = choices?.partitions ?? [];
  const chosen = partitions.find(each =>
    name ? each.name === name : each.default
  );
  if (field !== 'partition' || request.magic === 'local') {
    return '';
  }
  if (name && partitions.length && !chosen && !/[,{$]/.test(name)) {
    return trans.__('The cluster does not list this partition.');
  }
  return chosen ? limits(chosen, trans) : '';
}

/** Return what a partition has, in a line. */
function limits(partition: IPartition, trans: TranslationBundle): string {
  const parts = [
    !partition.up && trans.__('it is down'),
    partition.time && trans.__('at most %1', partition.time),
    partition.cpus > 0 && trans.__('%1 CPUs', partition.cpus),
    partition.memory > 0 && size(partition.memory * 1024 ** 2),
    ...partition.gres
  ];
  const named = parts.filter(Boolean).join(', ');
  return `${partition.name}: ${named || trans.__('no limits are known')}`;
}
