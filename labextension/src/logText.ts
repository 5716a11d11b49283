/**
 * A log's bytes as lines of plain text, in bounded memory.
 *
 * What a terminal does with carriage returns, backspaces and what erases a line is done, so that a
 * progress bar is one line; colours are left out. A piece may end anywhere, in the middle of an
 * escape sequence too.
 */

const ESCAPE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z\\^-~])/g;

const OPEN_ESCAPE =
  /\u001b(?:\[[0-?]*[ -/]*|[ -/]+|\][^\u0007\u001b]{0,4096}\u001b?)?$/;

const CONTROL = /[\u0000-\u0007\u000b-\u000c\u000e-\u001f\u007f]/g;
/** What stands for an escape sequence that erases the rest of the line. */
const ERASE = '\u001b';
const LONGEST_LINE = 20_000;

/** Lines that are whole, and the one that is not. */
export class LogText {
  /**
   * @param limit - How many characters are kept.
   */
  constructor(private readonly limit: number) {}

  /** Whole lines, the oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The line that may go on. */
  get open(): string {
    return this.#open;
  }

  /** How many lines were let go at the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Take in what comes next. */
  add(text: string): void {
    const whole = this.#pending + text;
    const open = OPEN_ESCAPE.exec(whole);
    // A carriage return before a line feed is none; which it is shows with the next letter.
    const end = open?.index ?? whole.length;
    const cut = whole.charAt(end - 1) === '\r' ? end - 1 : end;
    this.#pending = whole.slice(cut);
    const plain = whole
      .slice(0, cut)
      .replace(ESCAPE, eraser)
      .replace(/\r+\n/g, '\n');
    const [first = '', ...others] = plain.split('\n');
    this.#write(first);
    for (const line of others) {
      this.#lines.push(this.#open);
      this.#size += this.#open.length + 1;
      this.#open = '';
      this.#column = 0;
      this.#write(line);
    }
    this.#trim();
  }

  /** Forget all of it. */
  clear(): void {
    this.#lines = [];
    this.#open = '';
    this.#column = 0;
    this.#pending = '';
    this.#size = 0;
    this.#dropped = 0;
  }

  #write(text: string): void {
    for (const part of text.split(/(\r|\u0008+|\u001b)/)) {
      if (part === '\r') {
        this.#column = 0;
      } else if (part.startsWith('\u0008')) {
        this.#column = Math.max(0, this.#column - part.length);
      } else if (part === ERASE) {
        this.#open = this.#open.slice(0, this.#column);
      } else if (part) {
        this.#put(part.replace(CONTROL, ''));
      }
    }
  }

  #put(text: string): void {
    const before = this.#open.slice(0, this.#column);
    const after = this.#open.slice(this.#column + text.length);
    this.#open = (before + text + after).slice(0, LONGEST_LINE);
    this.#column = Math.min(LONGEST_LINE, this.#column + text.length);
  }

  #trim(): void {
    let drop = 0;
    while (this.#size > this.limit && drop < this.#lines.length) {
      this.#size -= (this.#lines[drop]?.length ?? 0) + 1;
      drop += 1;
    }
    if (drop) {
      this.#lines.splice(0, drop);
      this.#dropped += drop;
    }
  }

  #lines: string[] = [];
  #open = '';
  #column = 0;
  #pending = '';
  #size = 0;
  #dropped = 0;
}

/** Return what is done of an escape sequence: only that it erases a line's rest, or all of it. */
function eraser(escape: string): string {
  return /\[0?K$/.test(escape)
    ? ERASE
    : escape.endsWith('[2K')
      ? `\r${ERASE}`
      : '';
}
