import { LIMITS } from '#protocol';

/** What the registrar grants. Times in seconds, as in the Expires header. */
export interface RegistrarPolicy {
  /** Granted where the phone asks for no time. */
  readonly defaultExpires: number;
  /** Shorter wishes are answered 423 (RFC 3261 10.3 step 7); at most 3600. */
  readonly minExpires: number;
  /** Longer wishes are shortened to this. */
  readonly maxExpires: number;
  /** Bindings of one user, at most `LIMITS.terminals`. */
  readonly maxContacts: number;
  /** One more than `maxContacts`: refuse the request (403), or displace the user's binding that ends soonest. */
  readonly onLimit: 'refuse' | 'displace';
}

export const DEFAULT_REGISTRAR_POLICY: RegistrarPolicy = {
  defaultExpires: 3600,
  minExpires: 60,
  maxExpires: 7200,
  maxContacts: 10,
  onLimit: 'refuse',
};

/** What is wrong with a policy, each as a sentence; empty where nothing is. */
export function policyProblems(policy: RegistrarPolicy): string[] {
  const problems: string[] = [];
  const { minExpires, defaultExpires, maxExpires, maxContacts } = policy;
  // RFC 3261 10.3 step 7: 423 is only for what is "greater than zero AND smaller than one hour AND less than a registrar-configured minimum".
  if (!(minExpires >= 0 && minExpires <= 3600)) problems.push('minExpires must be 0 to 3600 seconds');
  if (!(defaultExpires >= minExpires && defaultExpires >= 1)) problems.push('defaultExpires must not be below minExpires');
  if (!(maxExpires >= defaultExpires)) problems.push('maxExpires must not be below defaultExpires');
  if (!(Number.isInteger(maxContacts) && maxContacts >= 1 && maxContacts <= LIMITS.terminals)) {
    problems.push(`maxContacts must be 1 to ${LIMITS.terminals}`);
  }
  return problems;
}
