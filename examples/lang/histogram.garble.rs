// A histogram over two tables: a hospital has its patients with the ward they lay in, a registry has
// vaccinations with the year. For the patients that both know, all learn how many lay in each ward.

const PATIENTS: usize = HOSPITAL::ROWS;
const VACCINATED: usize = REGISTRY::ROWS;

pub fn main(patients: [(u32, u8); PATIENTS], vaccinated: [(u32, u16); VACCINATED]) -> [u16; 4] {
    let mut wards = [0u16; 4];
    for row in join_iter(patients, vaccinated) {
        let ((_, ward), (_, year)) = row;
        if year >= 2020u16 {
            wards[ward as usize] += 1u16;
        }
    }
    wards
}
