with unused as (
    select
        placements.customer,
        'placement' as kind,
        placements.placement_id as id,
        placements.organisation_id,
        placements.name,
        (
            select count(*) from {{ ref('int_onefile_people') }} as people
            where people.customer = placements.customer
                and people.placement_id = placements.placement_id
                and people.role_id in (40, 45)
        ) as other_people
    from {{ ref('stg_onefile_placements') }} as placements
    where coalesce(placements.active, true)
        and not exists (
            select 1 from {{ ref('onefile_learners') }} as learners
            where learners.customer = placements.customer and learners.placement_id = placements.placement_id
                and not learners.is_archived and not learners.is_gone
        )
        and {{ onefile.is_loaded('learners', 'PlacementID', 'placements.customer') }}
    union all
    select
        classrooms.customer,
        'classroom',
        classrooms.classroom_id,
        classrooms.organisation_id,
        classrooms.name,
        null
    from {{ ref('stg_onefile_classrooms') }} as classrooms
    where not coalesce(classrooms.archive, false)
        and not exists (
            select 1 from {{ ref('onefile_learners') }} as learners
            where learners.customer = classrooms.customer and learners.classroom_id = classrooms.classroom_id
                and not learners.is_archived and not learners.is_gone
        )
        and {{ onefile.is_loaded('learners', 'ClassroomID', 'classrooms.customer') }}
)

select unused.customer, unused.kind, unused.id, unused.name, organisations.name as organisation, unused.other_people
from unused
left join {{ ref('stg_onefile_organisations') }} as organisations
    on unused.customer = organisations.customer and unused.organisation_id = organisations.organisation_id
