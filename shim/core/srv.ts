/** One SRV record (RFC 2782). */
export interface SrvRecord {
  /** A host name; `.` says that the service is not to be had there. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The records in the order in which they are to be tried (RFC 2782, "Usage rules"): by priority, and among equals by chance and weight.
 * `chance` gives numbers from 0 to below 1.
 */
export function orderSrv(records: readonly SrvRecord[], chance: () => number): SrvRecord[] {
  const out: SrvRecord[] = [];
  const priorities = [...new Set(records.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  for (const priority of priorities) {
    // "To select a target to be contacted next, arrange all SRV RRs (that have not been ordered yet) in any order, except that all those
    // with weight 0 are placed at the beginning of the list."
    const left = records
      .filter((record) => record.priority === priority)
      .toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
    while (left.length > 0) {
      // "Compute the sum of the weights of those RRs, and with each RR associate the running sum in the selected order. Then choose a
      // uniform random number between 0 and the sum computed (inclusive), and select the RR whose running sum value is the first in the
      // selected order which is greater than or equal to the random number selected."
      const sum = left.reduce((total, { weight }) => total + weight, 0);
      const number = Math.floor(chance() * (sum + 1));
      let running = 0;
      const at = left.findIndex(({ weight }) => {
        running += weight;
        return running >= number;
      });
      out.push(...left.splice(Math.max(at, 0), 1));
    }
  }
  return out;
}
