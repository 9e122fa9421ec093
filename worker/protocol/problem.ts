/** An error as RFC 9457 tells it: `type` says what kind it is, `detail` and `field` what is wrong. */
export interface Problem {
  /** Path of the page that tells of this kind, relative to the Worker: `/problems/user-never-seen`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Number of the kind: the status, and two digits. */
  readonly code: number;
  readonly detail: string;
  /** What in the request is wrong, as a path: `updates[3].call.id`. */
  readonly field?: string;
  /** Cloudflare's name of the request, by which its logs are searched. */
  readonly requestId?: string;
}
