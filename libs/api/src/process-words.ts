import { ApiError } from './errors';

/** What Kubernetes allows since 1.30 (relaxed environment variable names). */
export const VARIABLE_NAME = /^[ -<>-~]+$/;
export const VARIABLE_NAME_RULE = 'printable ASCII without "="';

/** Bytes of one argument, or of NAME=value, with the NUL that ends it: MAX_ARG_STRLEN of Linux, the limit of execve. */
const MAX_WORD_BYTES = 128 * 1024;
/** Bytes of all together after expansion: a quarter of the stack's usual limit is what execve takes. */
const MAX_PROCESS_BYTES = 2 * 1024 * 1024 - 64 * 1024;

/** The words of a sandbox's process as its caller writes them. */
export interface ProcessWords {
  readonly command?: readonly string[] | undefined;
  readonly args?: readonly string[] | undefined;
  readonly envs: Readonly<Record<string, string>>;
}

export interface ExpandedProcess {
  readonly command: string[] | undefined;
  readonly args: string[] | undefined;
  readonly envs: Record<string, string>;
}

/**
 * Replaces `$(NAME)` as the kubelet does: in a variable's value by the variables before it, in command and args by all of
 * them. `$$` becomes `$`; a reference to a variable that there is not stays as it is.
 * @param literal names of variables whose values are taken as they are (those from a Secret or ConfigMap)
 * @throws ApiError invalid_argument when a word, or all words, become too long
 */
export function expandProcess(
  { command, args, envs }: ProcessWords,
  literal: ReadonlySet<string> = new Set(),
): ExpandedProcess {
  const known = new Map<string, string>();
  const sum = new ByteSum();
  for (const [name, value] of Object.entries(envs)) {
    const expanded = literal.has(name) ? value : expand('envs', value, known);
    sum.add('envs', `${name}=${expanded}`);
    known.set(name, expanded);
  }
  const all = (field: string, words: readonly string[] | undefined) =>
    words?.map((word) => sum.add(field, expand(field, word, known)));
  return { command: all('command', command), args: all('args', args), envs: Object.fromEntries(known) };
}

/** @throws ApiError invalid_argument naming the field, where a word or all of them are too long for execve */
export function checkProcessWords({ command = [], args = [], envs }: ProcessWords): void {
  const variables = Object.entries(envs).map(([name, value]) => `${name}=${value}`);
  const sum = new ByteSum();
  for (const [field, words] of Object.entries({ command, args, envs: variables }))
    for (const word of words) sum.add(field, word);
}

/** The bytes of a process's words; a word, or all of them, that execve does not take are refused when they are added. */
class ByteSum {
  private total = 0;

  /** @returns the word. @throws ApiError invalid_argument */
  add(field: string, word: string): string {
    const bytes = Buffer.byteLength(word) + 1;
    if (bytes > MAX_WORD_BYTES) throw tooLong(field);
    this.total += bytes;
    if (this.total <= MAX_PROCESS_BYTES) return word;
    throw new ApiError('invalid_argument', `command, args, envs: together must be at most ${MAX_PROCESS_BYTES} bytes`);
  }
}

function tooLong(field: string): ApiError {
  const what = field === 'envs' ? 'each variable, NAME=value,' : 'each word';
  return new ApiError('invalid_argument', `${field}: ${what} must be below 128 KiB (bytes, not letters)`);
}

/** Stops as soon as the result is too long: references may multiply what somebody has sent. */
function expand(field: string, text: string, known: ReadonlyMap<string, string>): string {
  if (!text.includes('$')) return text;
  let expanded = '';
  let copied = 0;
  for (const { 0: reference, 1: name, index } of text.matchAll(/\$(?:\$|\(([^)]*)\))/g)) {
    expanded += text.slice(copied, index) + (name === undefined ? '$' : (known.get(name) ?? reference));
    copied = index + reference.length;
    if (expanded.length > MAX_WORD_BYTES) throw tooLong(field);
  }
  return expanded + text.slice(copied);
}
