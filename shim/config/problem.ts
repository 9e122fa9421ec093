/** One thing that is wrong with what the process was started with. */
export interface Problem {
  /** The setting, as it was given: `--sip-port`, `OFFHOOK_SIP_PORT`; or both where two do not go together. */
  readonly setting: string;
  /** What is wrong with it: completes "`setting`: ...". */
  readonly text: string;
}

/** All problems, one a line. */
export function showProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problem.setting}: ${problem.text}`).join('\n');
}
