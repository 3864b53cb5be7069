// Package layout finds places on a plane for the nodes and edges of a directed acyclic graph, in columns from left to right. It draws nothing and knows
// nothing of what the nodes mean. It counts in whole numbers only, so the same graph is laid out the same on every machine.
//
// The way is Sugiyama's: ranks, an order in each rank with few crossings, then coordinates (Sugiyama, Tagawa, Toda: Methods for Visual
// Understanding of Hierarchical System Structures, 1981). An edge over several ranks is a chain of bends, one in each rank between.
package layout
