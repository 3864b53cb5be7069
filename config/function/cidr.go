package function

import "github.com/hashicorp/go-cty-funcs/cidr"

// networks holds the arithmetic of IP prefixes in CIDR notation.
func networks() []entry {
	return []entry{
		{name: "cidrhost", fn: cidr.HostFunc, about: "Returns the address of a host, by its number within a prefix."},
		{name: "cidrnetmask", fn: cidr.NetmaskFunc, about: "Returns the netmask of a prefix."},
		{name: "cidrsubnet", fn: cidr.SubnetFunc, about: "Returns a subnet, by its number within a prefix."},
		{name: "cidrsubnets", fn: cidr.SubnetsFunc, about: "Returns consecutive subnets of a prefix, one for each number of bits to add."},
	}
}
