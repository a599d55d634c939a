/** What GEOSEARCH looks in: a circle or a box around a position. */
import { degrees, distance_m, EARTH_RADIUS_M, latitudeDistance_m, radians } from './distance.ts';
import type { CellArea, Position } from './geohash.ts';

export type Extent =
  | { readonly kind: 'circle'; readonly radius_m: number }
  | { readonly kind: 'box'; readonly width_m: number; readonly height_m: number };

export interface Shape {
  readonly center: Position;
  readonly extent: Extent;
}

/** The distance from the centre, in metres, of a position inside the shape; undefined outside. */
export function distanceWithin({ center, extent }: Shape, position: Position): number | undefined {
  if (extent.kind === 'circle') {
    const distance = distance_m(center, position);
    return distance > extent.radius_m ? undefined : distance;
  }
  // The sides of a box are measured along the meridian and, at the latitude of the position, along the parallel.
  if (latitudeDistance_m(position.latitude, center.latitude) > extent.height_m / 2) return undefined;
  const beside = { longitude: center.longitude, latitude: position.latitude };
  if (distance_m(position, beside) > extent.width_m / 2) return undefined;
  return distance_m(center, position);
}

/** Metres from the centre to the farthest point. */
export function reach_m({ extent }: Shape): number {
  if (extent.kind === 'circle') return extent.radius_m;
  return Math.sqrt((extent.width_m / 2) * (extent.width_m / 2) + (extent.height_m / 2) * (extent.height_m / 2));
}

/** Sides around the shape. They may lie beyond the ends of the world, and where a pole is near they mean little. */
export function boundsOf({ center, extent }: Shape): CellArea {
  const height_m = extent.kind === 'circle' ? extent.radius_m : extent.height_m / 2;
  const width_m = extent.kind === 'circle' ? extent.radius_m : extent.width_m / 2;
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
