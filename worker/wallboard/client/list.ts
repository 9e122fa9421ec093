import type { Row } from './rows.ts';

interface Card {
  readonly item: HTMLLIElement;
  readonly shape: SVGUseElement;
  readonly name: HTMLElement;
  readonly word: HTMLElement;
  readonly age: HTMLElement;
  readonly calls: HTMLElement;
  shown: Row | undefined;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The list of users: one element a user, kept over updates; only what differs is touched. Text goes in as text, never as HTML. */
export class UserList {
  readonly #root: HTMLElement;
  readonly #cards = new Map<string, Card>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Makes the list show these rows, in this order. */
  show(rows: readonly Row[]): void {
    const wanted = new Set(rows.map((row) => row.user));
    for (const [user, card] of this.#cards) {
      if (wanted.has(user)) continue;
      card.item.remove();
      this.#cards.delete(user);
    }
    let place = this.#root.firstElementChild;
    for (const row of rows) {
      const card = this.#card(row.user);
      update(card, row);
      if (card.item === place) place = place.nextElementSibling;
      else this.#root.insertBefore(card.item, place);
    }
  }

  #card(user: string): Card {
    const known = this.#cards.get(user);
    if (known) return known;
    const card = makeCard();
    this.#cards.set(user, card);
    return card;
  }
}

function makeCard(): Card {
  const item = document.createElement('li');
  const lamp = document.createElementNS(SVG, 'svg');
  const shape = document.createElementNS(SVG, 'use');
  lamp.setAttribute('class', 'lamp');
  lamp.setAttribute('viewBox', '0 0 24 24');
  lamp.setAttribute('aria-hidden', 'true');
  lamp.append(shape);
  const part = (tag: string, className: string) => {
    const element = document.createElement(tag);
    element.className = className;
    return element;
  };
  const [name, word, age, calls] = [part('strong', 'name'), part('span', 'word'), part('span', 'age'), part('span', 'calls')];
  // Spaces between the parts, for whoever hears or copies them.
  item.append(lamp, name, ' ', word, ' ', age, ' ', calls);
  return { item, shape, name, word, age, calls, shown: undefined };
}

function update(card: Card, row: Row): void {
  const shown = card.shown;
  if (shown?.status !== row.status) {
    card.item.dataset.status = row.status;
    card.shape.setAttribute('href', `#lamp-${row.status}`);
  }
  if (shown?.old !== row.old) card.item.toggleAttribute('data-old', row.old);
  if (shown?.name !== row.name) card.name.textContent = row.name;
  if (shown?.user !== row.user) card.name.title = row.user;
  if (shown?.word !== row.word) card.word.textContent = row.word;
  if (shown?.age !== row.age) card.age.textContent = row.age;
  if (shown?.calls.join('\n') !== row.calls.join('\n')) {
    card.calls.replaceChildren(
      ...row.calls.map((call) => {
        const line = document.createElement('span');
        line.textContent = call;
        return line;
      }),
    );
  }
  card.shown = row;
}
