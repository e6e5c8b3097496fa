/** RFC 3339 in whole seconds, as Kubernetes writes a metav1.Time. @param time a Date, or Unix milliseconds */
export function rfc3339(time: Date | number): string {
  return `${new Date(time).toISOString().slice(0, -'.000Z'.length)}Z`;
}

/** RFC 3339 with six decimals, as Kubernetes' MicroTime requires; the clock has three. @param time as in rfc3339 */
export function microTime(time: Date | number): string {
  return `${new Date(time).toISOString().slice(0, -1)}000Z`;
}
