/** Totals since start. */
export interface Counters {
  requests: number;
  responses: number;
  /** Messages that could not be understood; of them those that were answered. */
  malformed: number;
  malformedAnswered: number;
  /** Responses without a transaction. */
  strays: number;
  /** Requests refused because the transaction table was full. */
  overload: number;
  transportErrors: number;
  /** Errors behind the relay that should not be. */
  defects: number;
}

export function newCounters(): Counters {
  return {
    requests: 0,
    responses: 0,
    malformed: 0,
    malformedAnswered: 0,
    strays: 0,
    overload: 0,
    transportErrors: 0,
    defects: 0,
  };
}
