/** Sizes at which collections change how they are stored, and at which OBJECT ENCODING changes its answer. */
export interface CollectionLimits {
  /** A collection is one value up to so many elements and bytes: what each write to it has to write again. */
  packedEntries_max: number;
  packedBytes_max: number;
  /** Redis's own limits, for the names of encodings. */
  hashListpackEntries_max: number;
  hashListpackValueBytes_max: number;
  setIntsetEntries_max: number;
  setListpackEntries_max: number;
  setListpackValueBytes_max: number;
  sortedSetListpackEntries_max: number;
  sortedSetListpackValueBytes_max: number;
  /** list-max-listpack-size: elements when positive, a class of bytes when negative. */
  listListpackSize: number;
}
