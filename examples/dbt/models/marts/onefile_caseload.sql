select
    people.customer,
    people.organisation,
    people.user_id as assessor_id,
    people.name as assessor,
    people.role,
    count(case when learners.in_learning then 1 end) as learners,
    count(case when learners.on_break then 1 end) as on_break,
    count(case when not learners.in_learning and not learners.on_break then 1 end) as others
from {{ ref('int_onefile_people') }} as people
left join {{ ref('onefile_learners') }} as learners
    on people.customer = learners.customer and people.user_id = learners.assessor_id
where people.role_id in (4, 5)
group by people.customer, people.organisation, people.user_id, people.name, people.role
