//! Which customers may be the same person: those who share a name, directly or through others.

use std::collections::HashMap;

/// Customers by their numbers, united by the names that they share (a union-find).
#[derive(Debug, Default)]
pub struct Groups {
    parents: Vec<u32>,
    names: HashMap<Box<str>, u32>,
}

impl Groups {
    /// A further customer, who gets the next number.
    pub fn add(&mut self) {
        let number = u32::try_from(self.parents.len()).expect("fewer than four billion customers");
        self.parents.push(number);
    }

    /// A customer may be known by this name.
    pub fn name(&mut self, customer: u32, name: &str) {
        match self.names.get(name) {
            Some(other) => self.unite(*other, customer),
            None => drop(self.names.insert(name.into(), customer)),
        }
    }

    fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        // The smaller number stays the root: so groups are in the order of their first customers.
        self.parents[one.max(other) as usize] = one.min(other);
    }

    fn root(&mut self, mut customer: u32) -> u32 {
        while self.parents[customer as usize] != customer {
            let grandparent = self.parents[self.parents[customer as usize] as usize];
            self.parents[customer as usize] = grandparent;
            customer = grandparent;
        }
        customer
    }

    /// The customers of each group, in the order of their numbers.
    pub fn finish(mut self) -> Vec<Vec<u32>> {
        let mut positions = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for customer in 0..self.parents.len() {
            let customer = u32::try_from(customer).expect("it was a number before");
            let root = self.root(customer);
            if root == customer {
                groups.push(vec![customer]);
                positions.insert(root, groups.len() - 1);
            } else {
                groups[positions[&root]].push(customer);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_name_unites_also_through_others() {
        let mut groups = Groups::default();
        (0..5).for_each(|_| groups.add());
        for (customer, name) in [(4, "a"), (3, "b"), (2, "b"), (0, "c"), (4, "d"), (2, "d")] {
            groups.name(customer, name);
        }
        assert_eq!(groups.finish(), [vec![0], vec![1], vec![2, 3, 4]]);
    }
}
