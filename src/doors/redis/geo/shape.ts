/** What GEOSEARCH looks in: a circle, a box around a position, or a polygon. */
import { degrees, distance_m, EARTH_RADIUS_M, latitudeDistance_m, radians } from './distance.ts';
import type { CellArea, Position } from './geohash.ts';

export type Extent =
  | { readonly kind: 'circle'; readonly radius_m: number }
  | { readonly kind: 'box'; readonly width_m: number; readonly height_m: number }
  | { readonly kind: 'polygon'; readonly vertices: readonly Position[] };

export interface Shape {
  /** Distances are from here. */
  readonly center: Position;
  readonly extent: Extent;
}

/** The distance from the centre, in metres, of a position inside the shape; undefined outside. */
export function distanceWithin({ center, extent }: Shape, position: Position): number | undefined {
  if (extent.kind === 'circle') {
    const distance = distance_m(center, position);
    return distance > extent.radius_m ? undefined : distance;
  }
  if (extent.kind === 'polygon') {
    return isInPolygon(extent.vertices, position) ? distance_m(center, position) : undefined;
  }
  // The sides of a box are measured along the meridian and, at the latitude of the position, along the parallel.
  if (latitudeDistance_m(position.latitude, center.latitude) > extent.height_m / 2) return undefined;
  const beside = { longitude: center.longitude, latitude: position.latitude };
  if (distance_m(position, beside) > extent.width_m / 2) return undefined;
  return distance_m(center, position);
}

/**
 * True when a line to the east crosses the sides an odd number of times. Sides are straight lines on the map of longitudes
 * and latitudes; a polygon does not go over its edge.
 */
function isInPolygon(vertices: readonly Position[], { longitude, latitude }: Position): boolean {
  let inside = false;
  let from = vertices[vertices.length - 1] as Position;
  for (const to of vertices) {
    if (from.latitude > latitude !== to.latitude > latitude) {
      const share = (latitude - to.latitude) / (from.latitude - to.latitude);
      if (longitude < to.longitude + (from.longitude - to.longitude) * share) inside = !inside;
    }
    from = to;
  }
  return inside;
}

/** The position in the middle of others: that of the sum of their vectors from the middle of the Earth. */
export function middleOf(positions: readonly Position[]): Position {
  let x = 0;
  let y = 0;
  let z = 0;
  for (const { longitude, latitude } of positions) {
    x += Math.cos(radians(latitude)) * Math.cos(radians(longitude));
    y += Math.cos(radians(latitude)) * Math.sin(radians(longitude));
    z += Math.sin(radians(latitude));
  }
  return { longitude: degrees(Math.atan2(y, x)), latitude: degrees(Math.atan2(z, Math.hypot(x, y))) };
}

/**
 * The position around which the shape's cells lie. Not the centre of a polygon: that may be far from the middle between its
 * sides, and even beyond the edge of the map.
 */
export function baseOf(shape: Shape): Position {
  if (shape.extent.kind !== 'polygon') return shape.center;
  const { west, east, south, north } = boundsOf(shape);
  return { longitude: (west + east) / 2, latitude: (south + north) / 2 };
}

/** Metres from the base that cover the shape. */
export function reach_m(shape: Shape): number {
  const { extent } = shape;
  if (extent.kind === 'circle') return extent.radius_m;
  if (extent.kind === 'box') return Math.sqrt((extent.width_m / 2) ** 2 + (extent.height_m / 2) ** 2);
  const { west, east, south, north } = boundsOf(shape);
  const corners = [west, east].flatMap((longitude) => [south, north].map((latitude) => ({ longitude, latitude })));
  return Math.max(...corners.map((corner) => distance_m(baseOf(shape), corner)));
}

/** Sides around the shape. They may lie beyond the ends of the world, and where a pole is near they mean little. */
export function boundsOf({ center, extent }: Shape): CellArea {
  if (extent.kind === 'circle') return boundsAround(center, extent.radius_m, extent.radius_m);
  if (extent.kind === 'box') return boundsAround(center, extent.width_m / 2, extent.height_m / 2);
  const area = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
  for (const { longitude, latitude } of extent.vertices) {
    area.west = Math.min(area.west, longitude);
    area.east = Math.max(area.east, longitude);
    area.south = Math.min(area.south, latitude);
    area.north = Math.max(area.north, latitude);
  }
  return area;
}

function boundsAround(center: Position, width_m: number, height_m: number): CellArea {
  const latitudeDelta = degrees(height_m / EARTH_RADIUS_M);
  // Degrees of longitude are shortest at the side that is nearer to a pole.
  const farLatitude = center.latitude < 0 ? center.latitude - latitudeDelta : center.latitude + latitudeDelta;
  const longitudeDelta = degrees(width_m / EARTH_RADIUS_M / Math.cos(radians(farLatitude)));
  return {
    west: center.longitude - longitudeDelta,
    east: center.longitude + longitudeDelta,
    south: center.latitude - latitudeDelta,
    north: center.latitude + latitudeDelta,
  };
}
