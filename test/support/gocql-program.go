// What programs in Go do, with gocql as it is: addresses, port and version of the protocol are the arguments. Says "done", or what is wrong.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gocql/gocql"
)

const rows = 300

func main() {
	if len(os.Args) != 4 {
		fmt.Println("usage: gocql-program HOST,HOST,... PORT VERSION")
		os.Exit(2)
	}
	port, _ := strconv.Atoi(os.Args[2])
	version, _ := strconv.Atoi(os.Args[3])
	if err := try(strings.Split(os.Args[1], ","), port, version); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

func try(hosts []string, port int, version int) error {
	cluster := gocql.NewCluster(hosts...)
	cluster.Port = port
	cluster.ProtoVersion = version
	cluster.Timeout = 10 * time.Second
	cluster.ConnectTimeout = 10 * time.Second
	cluster.Authenticator = gocql.PasswordAuthenticator{Username: "cassandra", Password: "cassandra"}
	cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	session, err := cluster.CreateSession()
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer session.Close()

	keyspace := fmt.Sprintf("gocql%d", version)
	for _, statement := range []string{
		"CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
		"CREATE TABLE %s.t (a int, b int, c text, m map<text, int>, PRIMARY KEY (a, b))",
		"CREATE TABLE %s.counts (a int PRIMARY KEY, n counter)",
	} {
		if err := session.Query(fmt.Sprintf(statement, keyspace)).Exec(); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}

	// A logged batch of three partitions, and its rows in small pages.
	batch := session.NewBatch(gocql.LoggedBatch)
	for i := 0; i < rows; i++ {
		batch.Query("INSERT INTO "+keyspace+".t (a, b, c, m) VALUES (?, ?, ?, ?)", i%3, i, strings.Repeat("x", 100), map[string]int{"k": i})
	}
	if err := session.ExecuteBatch(batch); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	iterator := session.Query("SELECT b, m FROM " + keyspace + ".t").PageSize(7).Iter()
	seen := map[int]bool{}
	var b int
	var m map[string]int
	for iterator.Scan(&b, &m) {
		if m["k"] != b {
			return fmt.Errorf("row %d has the map %v", b, m)
		}
		seen[b] = true
	}
	if err := iterator.Close(); err != nil || len(seen) != rows {
		return fmt.Errorf("%d rows in pages, %v", len(seen), err)
	}

	// Conditions: one of two wins.
	for attempt, wanted := range []bool{true, false} {
		found := map[string]interface{}{}
		applied, err := session.Query("INSERT INTO "+keyspace+".t (a, b, c) VALUES (?, ?, ?) IF NOT EXISTS", 9, 9, "first").MapScanCAS(found)
		if err != nil || applied != wanted {
			return fmt.Errorf("condition %d: applied %v, %v", attempt, applied, err)
		}
		if !applied && found["c"] != "first" {
			return fmt.Errorf("the row that was there: %v", found)
		}
	}

	for i := 0; i < 5; i++ {
		if err := session.Query("UPDATE "+keyspace+".counts SET n = n + 2 WHERE a = 1").Exec(); err != nil {
			return fmt.Errorf("counter: %w", err)
		}
	}
	var n int64
	if err := session.Query("SELECT n FROM " + keyspace + ".counts WHERE a = 1").Scan(&n); err != nil || n != 10 {
		return fmt.Errorf("the counter is %d, %v", n, err)
	}

	metadata, err := session.KeyspaceMetadata(keyspace)
	if err != nil || len(metadata.Tables["t"].Columns) != 4 {
		return fmt.Errorf("metadata: %v, %v", metadata, err)
	}
	return nil
}
