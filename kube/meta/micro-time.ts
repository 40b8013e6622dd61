/** metav1.MicroTime: exactly six digits of seconds' fraction; an API server refuses fewer (leases, events). */
export function microTime(date: Date | number): string {
  return new Date(date).toISOString().replace('Z', '000Z');
}
