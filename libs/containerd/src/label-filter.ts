type Labels = Readonly<Record<string, string>>;

/** containerd's filter for what carries all of these labels. */
export function labelFilter(wanted: Labels): string {
  const terms = Object.entries(wanted).map(
    ([name, value]) => `labels.${JSON.stringify(name)}==${JSON.stringify(value)}`,
  );
  return terms.join(',');
}

/** The same of labels that have been read. */
export function carriesLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
