/**
 * The line that sends a cell: read into options and written back, letter by letter the same where
 * nothing was changed.
 *
 * Words are split as `nbsubmit/core/splitting.py` splits them.
 */

/** One word of a line: what it says, and where it stands. */
interface IWord {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** One option where it stands on a line. */
interface IFound {
  /** The word with its name. */
  readonly flag: IWord;
  /** The word with its value, if that stands behind it. */
  readonly behind: IWord | null;
  /** What the flag's word has before the value, as `--gpus=` or `-c`. */
  readonly prefix: string;
  readonly value: string;
}

/** The ways to write an option. */
export interface INames {
  /** Its long name, without dashes. */
  readonly long: string;
  /** One letter, or empty. */
  readonly short: string;
}

export type Magic = 'slurm' | 'local' | 'submit';

/** A cell's line, and where it stands in the cell. */
export interface ICellLine {
  readonly magic: Magic;
  /** What stands behind the magic. */
  readonly options: string;
  /** What of the cell it takes the place of when it is written. */
  readonly start: number;
  readonly end: number;
  /** What is to stand above it and below it then. */
  readonly above: string;
  readonly below: string;
}

const MAGIC_LINE =
  /^((?:[^\S\n]*(?:#[^\n]*|%%(?:time|timeit|capture|prun)\b[^\n]*)?\n)*)[^\S\n]*%%(slurm|local|submit)(?![\w.])[^\S\n]*([^\n]*)/;
const WORD = /(?:[^\s'"\\]|'[^']*'|"(?:\\[^]|[^"\\])*"|\\[^])+/y;
const QUOTED = /'[^']*'|"(?:\\[^]|[^"\\])*"/y;
const PLAIN = /^[\w@%+=:,./{}$*[\]()-]+$/;
/** Behind this stands Python, which ends where the expression does. */
const EXPRESSION = '--map';

/**
 * Return the line that sends a cell, if there is one. Magics that run it as IPython runs a cell
 * may stand above it. Comments may not, as IPython does not find it then: they go below.
 */
export function lineOf(source: string): ICellLine | null {
  const found = MAGIC_LINE.exec(source);
  if (found === null) {
    return null;
  }
  const [whole, head = '', magic, options = ''] = found;
  const line = { magic: magic as Magic, options: options.trimEnd() };
  const end = whole.length;
  if (!/^\s*#/m.test(head)) {
    return { ...line, start: head.length, end, above: '', below: '' };
  }
  const lines = head.split(/(?<=\n)/);
  const isMagic = (text: string): boolean => text.trimStart().startsWith('%');
  const above = lines.filter(isMagic).join('');
  const comments = lines.filter(text => !isMagic(text)).join('');
  return { ...line, start: 0, end, above, below: `\n${comments.trimEnd()}` };
}

/** Return a line as it stands in a cell. */
export function written(magic: Magic, options: string): string {
  return `%%${magic} ${options}`.trimEnd();
}

/** The quotation on a line has no end. */
export class OpenQuotation extends Error {
  override name = 'OpenQuotation';
}

/** The options on a line. */
export class Options {
  constructor(readonly text: string) {
    this.#words = split(text);
  }

  /** Return what an option is set to; empty if it is not there. */
  get(names: INames): string {
    return this.#find(names).pop()?.value ?? '';
  }

  /** Return whether an option is there, with a value or without. */
  has(names: INames): boolean {
    return this.#find(names).length > 0;
  }

  /** Return a line on which an option has a value; an empty one takes it away. */
  set(names: INames, value: string): Options {
    if (value === this.get(names)) {
      return this;
    }
    const found = this.#find(names);
    const last = found[found.length - 1];
    if (value === '') {
      return new Options(
        found.reduceRight((text, each) => without(text, each), this.text)
      );
    }
    if (last === undefined) {
      const end = this.#words[this.#words.length - 1]?.end ?? 0;
      const option = `--${names.long} ${quoted(value)}`;
      const remark = this.text.slice(end).trimStart();
      return new Options(
        `${this.text.slice(0, end)} ${option} ${remark}`.trim()
      );
    }
    const { flag, behind, prefix } = last;
    const [from, to, text] = behind
      ? [behind.start, behind.end, quoted(value)]
      : [flag.start, flag.end, prefix + quoted(value)];
    return new Options(this.text.slice(0, from) + text + this.text.slice(to));
  }

  #find(names: INames): IFound[] {
    return this.#words.flatMap((flag, place) => {
      // What is quoted is a value, whatever it begins with.
      const prefix =
        this.text[flag.start] === '-' ? prefixOf(flag.value, names) : null;
      if (prefix === null) {
        return [];
      }
      if (prefix !== flag.value) {
        const value = flag.value.slice(prefix.length);
        return [{ flag, behind: null, prefix, value }];
      }
      const next = this.#words[place + 1];
      const behind = next && !next.value.startsWith('-') ? next : null;
      const joint = behind ? prefix : `${prefix} `;
      return [{ flag, behind, prefix: joint, value: behind?.value ?? '' }];
    });
  }

  readonly #words: readonly IWord[];
}

/** Return what of a word stands before the option's value; null if it is another option. */
function prefixOf(word: string, names: INames): string | null {
  const long = `--${names.long}`;
  if (word === long) {
    return word;
  }
  if (word.startsWith(`${long}=`)) {
    return `${long}=`;
  }
  const short = `-${names.short}`;
  if (!names.short || word.startsWith('--') || !word.startsWith(short)) {
    return null;
  }
  return word.startsWith(`${short}=`) ? `${short}=` : short;
}

function without(text: string, found: IFound): string {
  const end = (found.behind ?? found.flag).end;
  const before = text.slice(0, found.flag.start);
  const after = text.slice(end).trimStart();
  return after ? before + after : before.trimEnd();
}

/** Return a value as it can stand on a line. */
export function quoted(value: string): string {
  const line = value.replace(/\s*\n\s*/g, ' ');
  return PLAIN.test(line) ? line : `'${line.replace(/'/g, `'"'"'`)}'`;
}

function split(text: string): IWord[] {
  const found: IWord[] = [];
  let at = next(text, 0);
  // From a word that begins so on it is a remark.
  while (at < text.length && text[at] !== '#') {
    const isBehind = found[found.length - 1]?.value === EXPRESSION;
    const isWithin = text.startsWith(`${EXPRESSION}=`, at);
    const end =
      isBehind || isWithin
        ? endOfExpression(text, isWithin ? at + EXPRESSION.length + 1 : at)
        : endOfWord(text, at);
    found.push({ value: unquoted(text.slice(at, end)), start: at, end });
    at = next(text, end);
  }
  return found;
}

function next(text: string, at: number): number {
  const found = text.slice(at).search(/\S/);
  return found < 0 ? text.length : at + found;
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  if (!pattern.test(text)) {
    throw new OpenQuotation(text);
  }
  return pattern.lastIndex;
}

function endOfWord(text: string, at: number): number {
  const end = endOf(WORD, text, at);
  if (end < text.length && /\S/.test(text.charAt(end))) {
    throw new OpenQuotation(text);
  }
  return end;
}

function endOfExpression(text: string, start: number): number {
  if (/['"]/.test(text.charAt(start))) {
    return endOfWord(text, start);
  }
  let depth = 0;
  let at = start;
  while (at < text.length && !(depth <= 0 && /\s/.test(text.charAt(at)))) {
    const letter = text.charAt(at);
    if (/['"]/.test(letter)) {
      at = endOf(QUOTED, text, at);
      continue;
    }
    depth += Number('([{'.includes(letter)) - Number(')]}'.includes(letter));
    at += 1;
  }
  return at;
}

/** Return what a shell takes a word for. */
function unquoted(raw: string): string {
  return raw.replace(
    /'([^']*)'|"((?:\\[^]|[^"\\])*)"|\\([^])/g,
    (_all, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? ''
  );
}
