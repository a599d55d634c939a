/** Which tablet has a slot, and where tablets begin: looked up for every operation, made anew when the cluster's view changes. */
import { type ClusterView, type Router, SLOT_COUNT, type TabletView } from '../../../cluster/view.ts';

export class TabletSlots {
  readonly #router: Router;
  readonly #indexes = new Int16Array(SLOT_COUNT).fill(-1);
  #view: ClusterView | undefined;

  constructor(router: Router) {
    this.#router = router;
  }

  /** In order of slots; empty before the cluster is formed. */
  get tablets(): readonly TabletView[] {
    return this.#current().tablets;
  }

  /** Undefined while the view has no tablet for the slot. */
  tabletOf(slot: number): TabletView | undefined {
    const view = this.#current();
    return view.tablets[this.#indexes[slot] as number];
  }

  /** The first slot of the tablet that has this one. */
  firstSlot(slot: number): number {
    return this.tabletOf(slot)?.slotFirst ?? slot;
  }

  #current(): ClusterView {
    const view = this.#router.view();
    const before = this.#view;
    if (before === view) return view;
    this.#view = view;
    // Leaders change more often than slots do.
    if (before === undefined || !sameSlots(before.tablets, view.tablets)) {
      this.#indexes.fill(-1);
      for (const [index, tablet] of view.tablets.entries()) {
        this.#indexes.fill(index, tablet.slotFirst, tablet.slotLast + 1);
      }
    }
    return view;
  }
}

function sameSlots(a: readonly TabletView[], b: readonly TabletView[]): boolean {
  return (
    a.length === b.length &&
    a.every((tablet, i) => tablet.slotFirst === b[i]?.slotFirst && tablet.slotLast === b[i].slotLast)
  );
}
