import type { Status } from '../../protocol/index.ts';
import { STATUS_WORDS } from './words.ts';

/** The buttons that narrow the list to one status, each with its count. Buttons of statuses that nobody has are hidden. */
export class StatusFilters {
  readonly #buttons = new Map<Status | undefined, { button: HTMLButtonElement; count: HTMLElement }>();
  #chosen: Status | undefined;

  constructor(root: HTMLElement, changed: () => void) {
    for (const status of [undefined, ...(Object.keys(STATUS_WORDS) as Status[])]) {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(status === undefined ? 'All' : STATUS_WORDS[status], ' ');
      if (status !== undefined) button.dataset.status = status;
      const count = document.createElement('b');
      button.append(count);
      button.onclick = () => {
        this.#chosen = this.#chosen === status ? undefined : status;
        changed();
      };
      this.#buttons.set(status, { button, count });
      root.append(button);
    }
  }

  /** The status to show; undefined for all. */
  get chosen(): Status | undefined {
    return this.#chosen;
  }

  /** Shows how many users have each status, and which button is pressed. */
  show(counts: ReadonlyMap<Status, number>, total: number): void {
    for (const [status, { button, count }] of this.#buttons) {
      const number = status === undefined ? total : (counts.get(status) ?? 0);
      count.textContent = String(number);
      button.hidden = number === 0 && status !== undefined && status !== this.#chosen;
      button.setAttribute('aria-pressed', String(status === this.#chosen));
    }
  }
}
