type Labels = Readonly<Record<string, string>>;

/** The series that processes expose, by series name. */
export class Exposition {
  private readonly series = new Map<string, Labels[]>();

  /** @param text Prometheus' text format, version 0.0.4 */
  add(text: string): void {
    for (const line of text.split('\n')) {
      const [, declared = '', type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      // a metric without samples still declares its series
      for (const suffix of suffixesOf(type)) this.of(declared + suffix);
      const [, name, labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/.exec(line) ?? [];
      if (name !== undefined) this.of(name).push(labelsOf(labels));
    }
  }

  has(name: string): boolean {
    return this.series.has(name);
  }

  /** labels of each series with that name */
  labels(name: string): readonly Labels[] {
    return this.series.get(name) ?? [];
  }

  private of(name: string): Labels[] {
    const known = this.series.get(name) ?? [];
    this.series.set(name, known);
    return known;
  }
}

function suffixesOf(type: string | undefined): readonly string[] {
  if (type === undefined) return [];
  if (type === 'histogram') return ['_bucket', '_sum', '_count'];
  return type === 'summary' ? ['', '_sum', '_count'] : [''];
}

function labelsOf(text: string): Labels {
  const pairs = [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}
